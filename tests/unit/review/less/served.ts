import type { Tree } from "../../settings/stack";
import { guc, type LessProtection, mild, said, settings } from "./less";

const CHECKS = "checks are off";
const FILLS = "the volume may fill";
const STUCK = "may not serve";
const NO_PLACE = "replicas may lose their place";
const NOTICES = /means something else, and nobody notices/;

const balanced = (serviceAnnotations: Tree): Tree => ({
  access: { serviceType: "LoadBalancer", serviceAnnotations },
});

/** Changes of settings with which statements fail, or mean something else, though the server runs. */
export const SERVED: readonly LessProtection[] = [
  // dead rows, and ids of transactions
  guc("autovacuum_naptime", "24d", FILLS, /as if|comes later/, mild),
  guc("autovacuum_vacuum_scale_factor", 100, FILLS, /dead rows stay/, mild),
  guc("autovacuum_vacuum_threshold", 2000000000, FILLS, /dead rows stay/, mild),
  guc("autovacuum_vacuum_cost_delay", "100ms", FILLS, /dead rows stay/, mild),
  guc("autovacuum_max_workers", 1, FILLS, /dead rows stay/, mild),
  guc("autovacuum_freeze_max_age", 2000000000, STUCK, /every statement that writes is refused/),
  guc("vacuum_failsafe_age", 2100000000, STUCK, /every statement that writes is refused/),
  guc("temp_file_limit", -1, FILLS, /more temporary files/, {
    ...mild,
    before: settings({ temp_file_limit: "100MB" }),
  }),
  guc("idle_in_transaction_session_timeout", 0, FILLS, /a forgotten transaction/, {
    ...mild,
    before: settings({ idle_in_transaction_session_timeout: "10min" }),
  }),

  // whom the server serves
  guc("max_connections", 10, "access changes", /less than half as many/, {
    before: settings({ max_connections: 40 }),
  }),
  guc("max_connections", 30, "access changes", /applications that hold more/, {
    ...mild,
    before: settings({ max_connections: 40 }),
  }),
  {
    what: "a thirtieth of the memory",
    before: { postgres: { memory: "16Gi" } },
    config: { postgres: { memory: "512Mi" } },
    rows: [["access changes", /ConfigMap postgres-conf `max_connections`: `200` → `25`/]],
    says: /applications that hold more are refused/,
    both: true,
  },
  guc("idle_in_transaction_session_timeout", "1ms", STUCK, /cut off/, { both: true }),
  guc("idle_session_timeout", "5ms", STUCK, /a pool keeps ready/),
  guc("pre_auth_delay", "60s", STUCK, /those of the probes too/),
  guc("exit_on_error", true, STUCK, /ends its connection/),
  guc("deadlock_timeout", "20d", STUCK, /wait for each other/, mild),
  guc("default_transaction_isolation", "serializable", STUCK, /do not try again fail/, { both: true }),
  guc("shared_preload_libraries", "pg_stat_statements", STUCK, /statements that need it fail/, {
    before: settings({ shared_preload_libraries: "pg_stat_statements,timescaledb" }),
  }),

  // replicas
  guc("wal_level", "replica", NO_PLACE, /logical replication ends/, {
    ...mild,
    before: settings({ wal_level: "logical" }),
  }),
  guc("max_wal_senders", 0, NO_PLACE, /are refused/, mild),
  guc("wal_keep_size", "64MB", FILLS, /stays on the volume/, said),

  // what a statement means
  guc("search_path", "other", CHECKS, NOTICES, { both: true }),
  guc("DateStyle", "ISO, DMY", CHECKS, NOTICES, { both: true }),
  guc("TimeZone", "Asia/Tokyo", CHECKS, NOTICES, { both: true }),
  guc("client_encoding", "LATIN1", CHECKS, NOTICES, { both: true }),
  guc("transform_null_equals", true, CHECKS, NOTICES),

  // libraries that refuse or record
  {
    what: "credcheck.password_min_length 1",
    before: settings({ "credcheck.password_min_length": 16 }),
    config: settings({ "credcheck.password_min_length": 1 }),
    rows: [[CHECKS, /`credcheck.password_min_length`/]],
    says: /which of the two is stricter can't be determined here/,
    both: true,
  },
  guc("pgaudit.log_parameter", true, "data in the log", /personal data/, mild),
  guc("pg_stat_statements.track", "none", "less is recorded", /fewer statements are counted/, mild),

  // the way to the server, and its node
  {
    what: "a Service that Tailscale answers for",
    config: { access: { serviceAnnotations: { "tailscale.com/expose": "true" } } },
    rows: [["opened to the outside", /Service postgres-client external addresses: `tailscale.com\/expose`/]],
    says: /answers at these addresses too/,
  },
  {
    what: "another kind of load balancer",
    before: balanced({ "service.beta.kubernetes.io/aws-load-balancer-type": "nlb" }),
    config: balanced({ "service.beta.kubernetes.io/aws-load-balancer-type": "external" }),
    rows: [["disconnect", /Service postgres-client .*aws-load-balancer-type/]],
    says: /clients may find the server elsewhere/,
    ...said,
  },
  {
    what: "no name for the load balancer",
    before: balanced({ "external-dns.alpha.kubernetes.io/hostname": "db.example.com" }),
    config: balanced({ "external-dns.alpha.kubernetes.io/hostname": undefined }),
    rows: [["disconnect", /Service postgres-client .*external-dns/]],
    says: /or its name, follows them/,
    ...said,
  },
  {
    what: "another priority class",
    before: { placement: { priorityClassName: "high" } },
    config: { placement: { priorityClassName: "low" } },
    rows: [["may be interrupted", /StatefulSet postgres `placement.priorityClassName`: `high` → `low`/]],
    says: /which of the two is higher can't be determined here/,
    ...said,
  },
];
