import type { Major } from "./major";

const KI = 2 ** 10;
const MI = 2 ** 20;
const PAGE = 8 * KI;

/** Reserved beside shared memory: an idle server's processes use 13 MB (measured with 18.4), and sessions need some to start. */
export const PROCESSES = 32 * MI;

/** PostgreSQL's defaults that determine what it allocates at startup; settings that it sizes automatically count as nothing. */
const DEFAULTS: Readonly<Record<string, number>> = {
  max_wal_senders: 10,
  autovacuum_max_workers: 3,
  autovacuum_worker_slots: 16,
  max_pred_locks_per_transaction: 64,
  track_activity_query_size: KI,
  io_max_combine_limit: 128 * KI,
  io_max_concurrency: -1,
};

/** Bytes of shared memory per unit of settings that are plain counts or byte sizes. */
const EACH: Readonly<Record<string, number>> = {
  wal_buffers: 1,
  min_dynamic_shared_memory: 1,
  transaction_buffers: 1,
  subtransaction_buffers: 1,
  commit_timestamp_buffers: 1,
  multixact_member_buffers: 1,
  multixact_offset_buffers: 1,
  notify_buffers: 1,
  serializable_buffers: 1,
  max_replication_slots: 290,
  max_active_replication_origins: 60,
};

/** Bytes per item. Lock tables grow in powers of two, so these are the smallest of the measured sizes. */
const BUFFER = 1.023 * PAGE; // the page, its descriptor and its lookup table entry
const LOCK = 355;
const PREDICATE_LOCK = 220;
const PROCESS = 7 * KI;
const PREPARED = 5.5 * KI;
const READ_OR_WRITE = 144; // plus 24 for each page that it may combine
const READ_OR_WRITE_PAGE = 24;
const FIXED = 1.5 * MI;

/** Auxiliary processes, which need memory per process as backends do; by major. */
const AUXILIARY = { 17: 8, 18: 38, 19: 38 } as const;

/** A setting's value, in bytes if it has a unit; undefined if PostgreSQL's default applies. */
export type Sizes = (name: string) => number | undefined;

/** Settings that {@link sharedMemory} reads. */
export const SIZED = [
  "shared_buffers",
  "max_connections",
  "max_worker_processes",
  "max_prepared_transactions",
  "max_locks_per_transaction",
  ...Object.keys(DEFAULTS),
  ...Object.keys(EACH),
];

/**
 * Lower bound of the shared memory that PostgreSQL allocates at startup, in bytes: up to an eighth below what
 * `postgres -C shared_memory_size` prints (a test asks real servers of all majors).
 *
 * Structure: CalculateShmemSize and its callees (src/backend/storage/ipc/ipci.c, storage/lmgr/lock.c and predicate.c,
 * storage/aio/aio_init.c), with MaxBackends of utils/init/postinit.c. Sizes per item: measured with 17.12, 18.4 and 19rc1 on
 * amd64, raising one setting at a time.
 */
export function sharedMemory(major: Major, sizes: Sizes): number {
  const defaultLocks = major >= 19 ? 128 : 64;
  const of = (name: string) => sizes(name) ?? DEFAULTS[name] ?? 0;
  const vacuumers = of(major >= 18 ? "autovacuum_worker_slots" : "autovacuum_max_workers");
  const backends = of("max_connections") + vacuumers + of("max_worker_processes") + of("max_wal_senders") + 1;
  const transactions = backends + of("max_prepared_transactions");
  const locks = sizes("max_locks_per_transaction") ?? defaultLocks;
  const perTransaction = locks * LOCK + of("max_pred_locks_per_transaction") * PREDICATE_LOCK;
  const processes = backends + AUXILIARY[major];
  const each = Object.entries(EACH).map(([name, size]) => Math.max(0, of(name)) * size);
  return (
    FIXED +
    (of("shared_buffers") / PAGE) * BUFFER +
    transactions * perTransaction +
    backends * PROCESS +
    of("max_prepared_transactions") * PREPARED +
    processes * of("track_activity_query_size") +
    (major >= 18 ? processes * inAndOut(of, processes) : 0) +
    each.reduce((sum, bytes) => sum + bytes, 0)
  );
}

/** Asynchronous I/O of one process. By default, processes share as many handles as there are buffers, 64 each at most. */
function inAndOut(of: (name: string) => number, processes: number): number {
  const buffers = of("shared_buffers") / PAGE;
  const given = of("io_max_concurrency");
  const count = given > 0 ? given : Math.min(64, Math.max(1, Math.floor(buffers / processes)));
  return count * (READ_OR_WRITE + READ_OR_WRITE_PAGE * Math.min(128, of("io_max_combine_limit") / PAGE));
}
