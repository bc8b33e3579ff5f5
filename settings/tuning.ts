import { renderBytes } from "./guc-values";
import { archiverMemory } from "./walg";

const KI = 2 ** 10;
const MI = 2 ** 20;
const GI = 2 ** 30;
const WAL_SEGMENT = 16 * MI;

/** Resources of the server. */
export interface Machine {
  /** The pod's memory limit in bytes, 256Mi to 16Ti. */
  readonly memory: number;
  /** The pod's CPU limit, 0.1 to 512. */
  readonly cpu: number;
  /** Bytes of the volume available to WAL. */
  readonly walRoom: number;
  /** Whether WAL-G archives inside the server's memory limit. */
  readonly archiving: boolean;
}

/** The stack's own values from which others are derived, as bytes and counts. */
export interface Chosen {
  readonly shared_buffers?: number;
  readonly max_connections?: number;
  readonly max_worker_processes?: number;
  readonly max_wal_size?: number;
}

/**
 * PostgreSQL's settings for a machine, rendered. The stack's own values are fixed and the others follow from them: more
 * connections leave less `work_mem`.
 *
 * Sources: [pgtune] le0pard/pgtune, profile "mixed"; [spilo] zalando/spilo; [docs] PostgreSQL 18's documentation. All of
 * them scale; the bounds keep every value valid from 256Mi to 16Ti.
 */
export function tune(machine: Machine, chosen: Chosen = {}): Record<string, string> {
  const sharedBuffers = chosen.shared_buffers ?? defaultSharedBuffers(machine);
  const maxConnections = chosen.max_connections ?? defaultMaxConnections(machine);
  const workers = chosen.max_worker_processes ?? Math.max(8, Math.floor(machine.cpu));
  const maxWalSize = chosen.max_wal_size ?? defaultMaxWalSize(machine);
  const usable = machine.memory - (machine.archiving ? archiverMemory(machine) : 0);
  const perQuery = parallelWorkersPerQuery(machine);
  return {
    shared_buffers: renderBytes(sharedBuffers),
    effective_cache_size: renderBytes(floorTo(MI, (usable * 3) / 4)),
    work_mem: renderBytes(workMem(usable - sharedBuffers, maxConnections + workers)),
    maintenance_work_mem: renderBytes(floorTo(MI, Math.min(usable / 16, 2 * GI))),
    wal_buffers: renderBytes(clamp(floorTo(64 * KI, sharedBuffers / 32), 64 * KI, WAL_SEGMENT)),
    min_wal_size: renderBytes(Math.max(floorTo(WAL_SEGMENT, maxWalSize / 4), 2 * WAL_SEGMENT)),
    max_wal_size: renderBytes(maxWalSize),
    max_slot_wal_keep_size: renderBytes(slotWal(machine, maxWalSize)),
    max_connections: String(maxConnections),
    max_worker_processes: String(workers),
    max_parallel_workers: String(Math.max(1, Math.floor(machine.cpu))),
    max_parallel_workers_per_gather: String(perQuery),
    max_parallel_maintenance_workers: String(perQuery),
  };
}

/** A quarter of the memory [docs, pgtune]; the page cache and sessions share the rest. */
function defaultSharedBuffers({ memory }: Machine): number {
  return floorTo(MI, memory / 4);
}

/** One per 32 MiB [spilo: 30], 25 to 200 [pgtune, "web"]: beyond that, a pooler serves more clients better. */
function defaultMaxConnections({ memory }: Machine): number {
  return clamp(Math.floor(memory / MI / 32), 25, 200);
}

/** Half of the available space, because PostgreSQL may exceed it under load [docs], and at most 4 GB [pgtune]. */
function defaultMaxWalSize({ walRoom }: Machine): number {
  return clamp(floorTo(WAL_SEGMENT, walRoom / 2), 2 * WAL_SEGMENT, 4 * GI);
}

/**
 * Half of the room for WAL, so that a slot that nobody reads never fills the volume: beyond that PostgreSQL gives it up. Not less
 * than `max_wal_size`, which a checkpoint under load keeps anyway.
 */
function slotWal({ walRoom }: Machine, maxWalSize: number): number {
  return Math.max(floorTo(MI, walRoom / 2), maxWalSize);
}

/**
 * The memory left for sessions and workers, divided by three sorts each [pgtune] and halved, because sessions in mixed loads do
 * more than sort [pgtune]. From 64 kB, PostgreSQL's minimum, to 1 GB.
 */
function workMem(left: number, processes: number): number {
  return clamp(floorTo(64 * KI, left / (processes * 3) / 2), 64 * KI, GI);
}

/** Half of the CPUs, at most 4 [pgtune]; zero below 2 CPUs, where workers would only take turns. */
function parallelWorkersPerQuery({ cpu }: Machine): number {
  return Math.min(4, Math.floor(cpu / 2));
}

function floorTo(step: number, value: number): number {
  return Math.floor(value / step) * step;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
