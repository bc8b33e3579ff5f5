const MI = 2 ** 20;

/**
 * Memory that WAL-G needs for archiving, measured with WAL-G 3.0.8 on a backlog of full segments (maximum resident size): 74,
 * 99, 135, 224 and 378 MiB with 1, 2, 4, 8 and 16 concurrent uploads.
 */
const PROCESS = 56 * MI;
const UPLOAD = 21 * MI;

/** The server's limits: memory in bytes, CPUs. */
export interface Limits {
  readonly memory: number;
  readonly cpu: number;
}

/**
 * Segments that WAL-G uploads concurrently from a backlog: four per CPU, up to 16 (WAL-G's default), and no more than fit an
 * eighth of the server's memory.
 */
function uploads({ memory, cpu }: Limits): number {
  return clamp(Math.min(cpu * 4, (memory / 8 - PROCESS) / UPLOAD), 16);
}

/** Files that a base backup reads concurrently: one per CPU, up to 4 (measured: 2 on 2 CPUs are 17 % faster than 1). */
function diskReaders({ cpu }: Limits): number {
  return clamp(cpu, 4);
}

/** Objects that a restore or recovery fetches concurrently: five per CPU, up to 10 (WAL-G's default). */
function downloads({ cpu }: Limits): number {
  return clamp(cpu * 5, 10);
}

function clamp(value: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(value)));
}

/** Bytes of the server's memory limit that WAL-G may use: the archiver runs one process at a time. */
export function archiverMemory(limits: Limits): number {
  return PROCESS + UPLOAD * uploads(limits);
}

/**
 * Memory limit of the base backup job: we measured 160 MiB; WAL-G's author reports up to 370 MB for one reader of large
 * files (wal-g/wal-g#224).
 */
export function backupMemory(limits: Limits): string {
  return `${256 + 128 * diskReaders(limits)}Mi`;
}

/** CPU limit of the base backup job: one per file that it reads concurrently. */
export function backupCpu(limits: Limits): string {
  return String(diskReaders(limits));
}

/** WAL-G's variables. Tars of 256 MiB restore 1.4 times as fast as tars of 1 GiB, because WAL-G fetches several at a time. */
export function walgConcurrency(limits: Limits): Record<string, string> {
  return {
    WALG_UPLOAD_CONCURRENCY: String(uploads(limits)),
    WALG_UPLOAD_DISK_CONCURRENCY: String(diskReaders(limits)),
    WALG_DOWNLOAD_CONCURRENCY: String(downloads(limits)),
    WALG_TAR_SIZE_THRESHOLD: String(256 * MI),
  };
}
