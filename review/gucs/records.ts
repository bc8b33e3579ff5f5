import {
  changed,
  forgetsConnections,
  higher,
  type Less,
  losesEscape,
  louder,
  lower,
  NEVER,
  quieter,
  ranked,
  turnedOff,
  turnedOn,
  UNLIMITED,
} from "./compare";
import type { Protection, Table } from "./table";

const unsaid = (usual: string, less: Less, what: string): Protection => ({
  effect: "less is recorded",
  usual,
  less,
  why: `${what}: it is missing when somebody asks what happened`,
});

const leaked = (usual: string, less: Less, what: string): Protection => ({
  effect: "data in the log",
  usual,
  less,
  why: `${what}, with the values in it: personal data and passwords get to whoever reads logs`,
});

const STATEMENTS = ["all", "mod", "ddl", "none"];

/** Settings that decide what the log records, and what too many people can read in it. */
export const RECORDS: Table = {
  log_connections: unsaid("off", forgetsConnections, "who connects is no longer in the log"),
  log_disconnections: unsaid("off", turnedOff, "when a session ended is no longer in the log"),
  log_checkpoints: unsaid("on", turnedOff, "checkpoints are no longer in the log"),
  log_lock_waits: unsaid("on", turnedOff, "who waits for whom is no longer in the log"),
  log_lock_failures: unsaid("off", turnedOff, "failed attempts to get a lock are no longer in the log"),
  log_replication_commands: unsaid("off", turnedOff, "commands of replicas are no longer in the log"),
  log_recovery_conflict_waits: unsaid("off", turnedOff, "what a standby waits for is no longer in the log"),
  log_hostname: unsaid("off", turnedOff, "hosts are in the log only by their addresses"),
  log_duration: unsaid("off", turnedOff, "how long statements take is no longer in the log"),
  log_error_verbosity: unsaid(
    "default",
    ranked("verbose", "default", "terse"),
    "errors are in the log without their details",
  ),
  log_min_messages: unsaid("warning", quieter, "fewer messages are in the log"),
  log_line_prefix: unsaid(
    "%m [%p] %q%u@%d/%a ",
    losesEscape,
    "less is in the prefix of each line of the log",
  ),
  log_temp_files: unsaid("64MB", higher(UNLIMITED), "fewer temporary files are in the log"),
  log_autovacuum_min_duration: unsaid("1min", higher(UNLIMITED), "less of autovacuum is in the log"),
  log_autoanalyze_min_duration: unsaid("10min", higher(UNLIMITED), "less of autoanalyze is in the log"),
  log_startup_progress_interval: unsaid("10s", higher(NEVER), "less of a long start is in the log"),
  log_timezone: unsaid("UTC", changed, "times of old and new lines can't be compared as they stand"),
  track_activities: unsaid("on", turnedOff, "what a session is doing can't be seen"),
  track_commit_timestamp: unsaid(
    "off",
    turnedOff,
    "the commit time of a row is forgotten, also for existing rows",
  ),
  log_statement: [
    unsaid("none", ranked(...STATEMENTS), "fewer statements are in the log"),
    leaked("none", ranked(...[...STATEMENTS].reverse()), "more statements are in the log"),
  ],
  log_min_duration_statement: [
    unsaid("-1", higher(UNLIMITED), "fewer slow statements are in the log"),
    leaked("-1", lower(UNLIMITED), "more statements are in the log"),
  ],
  log_min_duration_sample: [
    unsaid("-1", higher(UNLIMITED), "fewer slow statements are in the log"),
    leaked("-1", lower(UNLIMITED), "more statements are in the log"),
  ],
  log_min_error_statement: [
    unsaid("error", quieter, "errors are in the log without the statement that caused them"),
    leaked("error", louder, "more statements are in the log"),
  ],
  log_transaction_sample_rate: leaked("0", higher(), "more statements are in the log"),
  log_statement_sample_rate: leaked("1", higher(), "more statements are in the log"),
  log_parameter_max_length: leaked("1024", higher(UNLIMITED), "more of each parameter is in the log"),
  log_parameter_max_length_on_error: leaked(
    "0",
    higher(UNLIMITED),
    "parameters of statements that fail are in the log",
  ),
  debug_print_parse: leaked("off", turnedOn, "statements are in the log as they are parsed"),
  debug_print_raw_parse: leaked("off", turnedOn, "statements are in the log as they are parsed"),
  debug_print_rewritten: leaked("off", turnedOn, "statements are in the log as they are rewritten"),
  debug_print_plan: leaked("off", turnedOn, "plans are in the log"),
  "auto_explain.log_min_duration": leaked("-1", lower(UNLIMITED), "plans of more statements are in the log"),
  "auto_explain.log_parameter_max_length": leaked(
    "-1",
    higher(UNLIMITED),
    "more of each parameter is in the log",
  ),
  "pgaudit.log_parameter": leaked("off", turnedOn, "parameters of audited statements are in the log"),
  "pg_stat_statements.track": unsaid("all", ranked("all", "top", "none"), "fewer statements are counted"),
  send_abort_for_crash: leaked("off", turnedOn, "a crash leaves a core file"),
  send_abort_for_kill: leaked("off", turnedOn, "a process that hangs leaves a core file"),
};
