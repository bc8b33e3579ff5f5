import { mayNotSay, maySay, settings } from "./cases";

describe("the limits of a stack's settings of PostgreSQL", () => {
  mayNotSay([
    [
      "shared_buffers beyond three quarters of the memory",
      settings({ shared_buffers: "3073MB" }),
      /more than 75 % of the memory \(at most 3GB of 4Gi\)/,
    ],
    [
      "work_mem beyond the memory",
      settings({ work_mem: "4GB" }),
      /work_mem: is more than shared_buffers leave/,
    ],
    [
      "maintenance_work_mem beyond the memory",
      settings({ maintenance_work_mem: "5GB" }),
      /maintenance_work_mem: is more than/,
    ],
    [
      "more WAL than the volume has room for",
      settings({ max_wal_size: "11GB" }),
      /max_wal_size: is more WAL than .* at most 10GB, half of dataSize/,
    ],
    [
      "kept WAL that the volume has no room for",
      settings({ wal_keep_size: "9GB" }),
      /wal_keep_size: is more WAL/,
    ],
    [
      "max_wal_size of a single segment",
      settings({ max_wal_size: "16MB", min_wal_size: "32MB" }),
      /max_wal_size: is below two WAL segments/,
    ],
    [
      "min_wal_size above max_wal_size",
      settings({ min_wal_size: "5GB" }),
      /min_wal_size: is above max_wal_size \(4GB\)/,
    ],
    ["all connections reserved", settings({ max_connections: 3 }), /max_connections: leaves no connection/],
    [
      "all derived connections reserved",
      settings({ reserved_connections: 200 }),
      /max_connections: leaves no connection/,
    ],
    [
      "wal_level minimal with backups",
      settings({ wal_level: "minimal" }),
      /wal_level: is not enough for backups/,
    ],
    [
      "wal_level minimal with WAL senders",
      { backup: undefined, ...settings({ wal_level: "minimal" }) },
      /minimal needs max_wal_senders = 0/,
    ],
  ]);

  maySay([["wal_level logical", settings({ wal_level: "logical" })]]);
});
