import { mayNotSay, maySay, settings, type Wrong } from "./cases";

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
    ["temp_buffers beyond the memory", settings({ temp_buffers: "4GB" }), /temp_buffers: is more than/],
    [
      "more connections than the memory holds when PostgreSQL starts",
      { postgres: { memory: "1Gi", settings: { max_connections: 100000 } } },
      /^postgres\.settings\.max_connections: is more than the memory holds: at its start PostgreSQL would allocate 4\d{3}MB of shared memory, 4\d{3}MB of it for this, and 1Gi has to hold that and 32MB for its processes$/,
    ],
    ...(
      [
        ["max_prepared_transactions", 262143],
        ["max_locks_per_transaction", 200000],
        ["max_pred_locks_per_transaction", 200000],
        ["MAX_WORKER_PROCESSES", 262143],
        ["max_wal_senders", 200000],
        ["autovacuum_worker_slots", 200000],
        ["wal_buffers", "2047MB"],
        ["min_dynamic_shared_memory", "4GB"],
        ["track_activity_query_size", "1MB"],
        ["transaction_buffers", "1GB"],
      ] as const
    ).map(
      ([name, value]): Wrong => [
        `${name} of ${value} in 1Gi, beside others that fit`,
        { postgres: { memory: "1Gi", settings: { max_connections: 1000, work_mem: "1MB", [name]: value } } },
        new RegExp(`^postgres\\.settings\\.${name}: is more than the memory holds`),
      ],
    ),
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

  maySay([
    ["wal_level logical", settings({ wal_level: "logical" })],
    [
      "a thousand connections in 512Mi",
      { postgres: { memory: "512Mi", settings: { max_connections: 1000 } } },
    ],
    [
      "three quarters in shared_buffers",
      { postgres: { memory: "256Mi", settings: { shared_buffers: "192MB" } } },
    ],
  ]);
});
