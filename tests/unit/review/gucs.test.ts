import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { PROTECTIONS } from "../../../review/gucs/protection";
import { gucsOf, isExtensionSetting } from "../../../settings/gucs";
import { MAJORS } from "../../../settings/major";
import { whyOwned } from "../../../settings/owned";

/** Names that sound as if durability, the archive, recovery, access or what is recorded depended on them. */
const SUSPECT = [
  /archive|wal_|fsync|full_page|synchronous|restore|recovery|checksum|ssl|listen|password|row_security|replication_role/,
  /zero_damaged|ignore_|allow_|^log_|slot|synchroni[sz]e|checkpoint|auth|krb|gss|scram|commit|librar|crash|sync_|_sync/,
  /privilege|track_|autovacuum$|reserved|command$|_file$|event_trigger|isolation|standby|conforming|backslash/,
];

const SPEED = "decides how fast it goes, or how much memory it takes, and nothing else";
const REPLICA = "of a replica or towards one: the data of this server do not depend on it";
const STATISTICS = "of statistics, which nobody restores or investigates from";
const COLLECTOR = "of files that the logging collector writes, which is off (settings/owned.ts)";

/** Those that protect nothing, and why. */
const HARMLESS: Readonly<Record<string, string>> = {
  autovacuum_worker_slots: SPEED,
  checkpoint_completion_target: SPEED,
  checkpoint_flush_after: SPEED,
  checkpoint_warning: "a hint to raise max_wal_size",
  commit_delay: "waits before a flush, and reports a commit after it",
  commit_siblings: "of commit_delay",
  commit_timestamp_buffers: SPEED,
  dynamic_library_path: "superusers alone load libraries from it",
  enable_async_append: SPEED,
  hot_standby_feedback: REPLICA,
  log_directory: COLLECTOR,
  log_executor_stats: STATISTICS,
  log_file_mode: COLLECTOR,
  log_filename: COLLECTOR,
  log_parser_stats: STATISTICS,
  log_planner_stats: STATISTICS,
  log_rotation_age: COLLECTOR,
  log_rotation_size: COLLECTOR,
  log_statement_stats: STATISTICS,
  log_truncate_on_rotation: COLLECTOR,
  max_repack_replication_slots: "the server does not start with fewer than are in use",
  max_replication_slots: "the server does not start with fewer than are in use",
  max_standby_archive_delay: REPLICA,
  max_standby_streaming_delay: REPLICA,
  max_sync_workers_per_subscription: SPEED,
  md5_password_warnings: "a warning to the client",
  min_wal_size: SPEED,
  password_expiration_warning_threshold: "a warning to the client",
  "pg_stat_statements.track_planning": STATISTICS,
  "pg_stat_statements.track_utility": STATISTICS,
  recovery_init_sync_method: "both ways write out everything before a recovery begins",
  ssl_passphrase_command: "with a wrong one the server does not start, or keeps what it has",
  ssl_passphrase_command_supports_reload: "without it a reload keeps the old certificate",
  sync_replication_slots: REPLICA,
  synchronize_seqscans: SPEED,
  track_activity_query_size: STATISTICS,
  track_cost_delay_timing: STATISTICS,
  track_functions: STATISTICS,
  track_io_timing: STATISTICS,
  track_wal_io_timing: STATISTICS,
  transaction_isolation: "of the transaction that runs; no file sets it",
  wal_buffers: SPEED,
  wal_compression: "pages in the WAL are smaller, and whole all the same",
  wal_consistency_checking: "for developers",
  wal_decode_buffer_size: SPEED,
  wal_init_zero: "segments are written to their full size or not; a commit is flushed either way",
  wal_log_hints: "for pg_rewind, which nothing here uses",
  wal_receiver_create_temp_slot: REPLICA,
  wal_receiver_status_interval: REPLICA,
  wal_receiver_timeout: REPLICA,
  wal_recycle: SPEED,
  wal_retrieve_retry_interval: REPLICA,
  wal_sender_shutdown_timeout: REPLICA,
  wal_sender_timeout: REPLICA,
  wal_skip_threshold: "what is not in the WAL is flushed to its file before the commit is reported",
  wal_summary_keep_time: "of incremental backups, which WAL-G does not take from PostgreSQL",
  wal_sync_method: "all of them force the WAL to the disk",
  wal_writer_flush_after: SPEED,
};

describe("every setting of PostgreSQL that sounds like protection", () => {
  for (const major of MAJORS) {
    const gucs = gucsOf(major);
    for (const name of gucs.names.filter((it) => SUSPECT.some((pattern) => pattern.test(it)))) {
      it(`${name} of ${major} has a rule, can't be set, or is known to be harmless`, () => {
        const refused = gucs.find(name)?.context === "internal" || whyOwned(name, "?") !== undefined;
        expect(
          name.toLowerCase() in PROTECTIONS || refused || name in HARMLESS,
          `${name}: give it a rule in review/gucs/, or a line in HARMLESS of this test`,
        ).to.equal(true);
      });
    }
  }

  it("has one place alone, and every name in it is one of PostgreSQL's or of an extension", () => {
    const known = MAJORS.flatMap((major) => gucsOf(major).names.map((name) => name.toLowerCase()));
    const names = [...Object.keys(PROTECTIONS), ...Object.keys(HARMLESS)];
    expect(names.filter((name) => !known.includes(name) && !isExtensionSetting(name))).to.deep.equal([]);
    expect(Object.keys(HARMLESS).filter((name) => name in PROTECTIONS)).to.deep.equal([]);
  });

  it("counts as unset what the image sets: a new default in postgresql.conf is also its usual value here", () => {
    const file = join(__dirname, "../../../docker-context/config/postgresql.conf");
    const lines = [...readFileSync(file, "utf8").matchAll(/^([\w.]+) *= *('[^']*'|[^\s#]+)/gm)];
    const usual = lines.flatMap(([, name = "", value]) =>
      [PROTECTIONS[name] ?? []]
        .flat()
        .map((it) => `${name} = ${value?.startsWith("'") ? `'${it.usual}'` : it.usual}`),
    );
    expect(usual).to.have.length.above(5);
    const set = lines.map(([, name, value]) => `${name} = ${value}`);
    expect(
      usual.filter((it) => !set.includes(it)),
      "review/gucs/ has another value than postgresql.conf",
    ).to.deep.equal([]);
  });
});
