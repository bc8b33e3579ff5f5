import { guc, type LessProtection, mild, said, settings } from "./less";

const CHECKS = "checks are off";
const LOG = "data in the log";
const RECORDS = "less is recorded";

/** Settings of PostgreSQL that protect less. */
export const SETTINGS: readonly LessProtection[] = [
  guc("synchronous_commit", "off", "acknowledged commits may be lost", /a crash costs the last ones/),
  guc("wal_writer_delay", "10s", "acknowledged commits may be lost", /synchronous_commit is off/, {
    before: settings({ synchronous_commit: "off" }),
  }),
  {
    what: "no standby that commits wait for",
    before: settings({ synchronous_standby_names: "FIRST 1 (a)" }),
    config: settings({ synchronous_standby_names: undefined }),
    rows: [
      [
        "acknowledged commits may be lost",
        /`synchronous_standby_names`: `FIRST 1 \(a\)` → PostgreSQL's default/,
      ],
    ],
    says: /a failover may be without the last ones/,
  },
  guc("synchronous_commit", "local", "acknowledged commits may be lost", /or with the standby/, {
    before: settings({ synchronous_standby_names: "a" }),
  }),
  {
    what: "wal_level minimal, where nothing is archived",
    before: { backup: undefined },
    config: { backup: undefined, ...settings({ wal_level: "minimal", max_wal_senders: 0 }) },
    rows: [["backups end", /ConfigMap postgres-conf `wal_level`: PostgreSQL's default → `minimal`/]],
    says: /no base backup can be taken and nothing can be archived/,
  },
  guc("data_sync_retry", true, "a crash may break the database", /as if the data were on the disk/, {
    ...mild,
    before: { disposable: true },
  }),
  guc("zero_damaged_pages", true, CHECKS, /its rows are gone/, { ...mild, before: { disposable: true } }),
  guc("ignore_checksum_failure", true, CHECKS, /damaged pages are read/, {
    ...mild,
    before: { disposable: true },
  }),
  guc("ignore_invalid_pages", true, CHECKS, /rows may be lost/, { ...mild, before: { disposable: true } }),
  guc("ignore_system_indexes", true, CHECKS, /damaged system indexes/),
  guc("allow_in_place_tablespaces", true, CHECKS, /backups do not count on them/),
  guc("allow_system_table_mods", true, CHECKS, /system tables, which nothing repairs/),
  guc("session_replication_role", "replica", CHECKS, /foreign keys and ordinary triggers do not fire/),
  guc("event_triggers", false, CHECKS, /event triggers do not fire/),
  guc("backslash_quote", true, CHECKS, /smuggled in/),
  guc("standard_conforming_strings", false, CHECKS, /smuggled in/),
  guc("default_transaction_isolation", "read committed", CHECKS, /kept apart from/, {
    before: settings({ default_transaction_isolation: "serializable" }),
  }),
  guc("shared_preload_libraries", "pg_stat_statements", CHECKS, /refuses or records any more/, {
    before: settings({ shared_preload_libraries: "pg_stat_statements, passwordcheck" }),
  }),
  guc("row_security", false, "access changes", /end in an error/, mild),
  guc("lo_compat_privileges", true, "access changes", /every role may read and change all large objects/),
  guc("superuser_reserved_connections", 0, "access changes", /when all are used up/, mild),
  guc("ssl_min_protocol_version", "TLSv1.1", "weaker encryption", /older versions of TLS/),
  guc("ssl", false, "weaker encryption", /who listens on the network reads them/, {
    before: settings({ ssl: true }),
  }),
  guc(
    "ssl_ciphers",
    "DEFAULT",
    "access changes",
    /which of the two is stricter can't be determined here/,
    said,
  ),
  guc("scram_iterations", 1024, "weaker encryption", /quicker to guess/),
  guc("bonjour", true, "opened to the outside", /announces itself/),
  guc("autovacuum", false, "the volume may fill", /tables grow/, mild),
  guc(
    "max_slot_wal_keep_size",
    "100MB",
    "replicas may lose their place",
    /a slot that is further behind is given up/,
    said,
  ),
  guc("max_slot_wal_keep_size", "-1", "the volume may fill", /a slot that nobody reads holds all WAL/, said),
  guc("wal_keep_size", "0", "replicas may lose their place", /has to take the rest from the archive/, {
    ...said,
    before: settings({ wal_keep_size: "64MB" }),
  }),
  guc("checkpoint_timeout", "1h", "longer recovery", /a start after a crash replays/, mild),
  guc("max_wal_size", "16GB", "longer recovery", /a start after a crash replays/, {
    ...mild,
    before: { dataSize: "100Gi" },
  }),
  guc("recovery_prefetch", "off", "longer recovery", /waits for each page/, mild),
  guc("track_commit_timestamp", "off", RECORDS, /forgotten, also for existing rows/, {
    ...mild,
    before: settings({ track_commit_timestamp: "on" }),
  }),
  guc("log_connections", "off", RECORDS, /who connects is no longer in the log/, {
    ...mild,
    before: settings({ log_connections: "all" }),
  }),
  guc("log_connections", "receipt", RECORDS, /who connects is no longer in the log/, {
    ...mild,
    before: settings({ log_connections: "on" }),
  }),
  guc("log_min_messages", "panic", RECORDS, /fewer messages/, mild),
  guc("log_min_error_statement", "panic", RECORDS, /without the statement that caused them/, said),
  guc("log_checkpoints", false, RECORDS, /no longer in the log/, mild),
  guc("log_line_prefix", "%m %p", RECORDS, /less is in the prefix of each line/, mild),
  guc("log_statement", "all", LOG, /personal data and passwords/, said),
  guc("log_min_duration_statement", "0", LOG, /personal data and passwords/, said),
  guc("log_parameter_max_length", "-1", LOG, /more of each parameter/, mild),
];
