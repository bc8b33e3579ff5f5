import type { Tree } from "../settings/stack";
import type { Surroundings } from "./changes";
import { guc, type LessProtection, mild, said, settings } from "./less";
import { SERVED } from "./served";

const NIGHTLY: Tree = { backup: { schedule: "15 2 * * *", retain: 14 } };
const CHECKS = "checks are off";
const LOG = "data in the log";
const RECORDS = "less is recorded";

/** What a key of an OpenPGP ring looks like; nobody reads it. */
const pgpKey = (which: string) =>
  `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${which}-that-nobody-may-see\n-----END PGP PRIVATE KEY BLOCK-----`;
const encrypted = (which: string, pgpPassphrase = "phrase-that-nobody-may-see"): Tree => ({
  backup: { encryption: { pgpKey: pgpKey(which), pgpPassphrase } },
});
const DIGEST =
  "registry.example.com/data/postgres-stack@sha256:1111111111111111111111111111111111111111111111111111111111111111";
const prebuilt = (ref: string): Tree => ({
  image: { repository: undefined, baseImage: undefined, walg: undefined, ref },
});

/** By what somebody would call them; each is found in both forms of a review. */
export function lessProtection(here: Surroundings): LessProtection[] {
  return [
    ...SERVED,
    // the archive
    {
      what: "no backups any more",
      config: { backup: undefined },
      rows: [
        ["backups end", /StatefulSet postgres `backup.prefix`: `.*` → none/],
        ["backups end", /CronJob postgres-backup deleted/],
      ],
      says: /nothing is archived any more.*The archive at `.*` stays, and nobody deletes in it any more/,
    },
    {
      what: "one night in place of fourteen",
      before: NIGHTLY,
      config: { backup: { retain: 1 } },
      rows: [["backups are deleted", /CronJob postgres-backup `backup.retain`: `14` → `1`/]],
      says: /13 of 14 nights are deleted .* goes back about 1 day instead of 14 days/,
    },
    {
      what: "fourteen hours in place of fourteen nights",
      before: NIGHTLY,
      config: { backup: { schedule: "15 * * * *" } },
      rows: [
        [
          "backups are deleted",
          /CronJob postgres-backup `backup.schedule`: `15 2 .*` → `15 \* .*` with `backup.retain`/,
        ],
      ],
      says: /goes back about 14 hours instead of 14 days/,
      both: true,
    },
    {
      what: "a base backup once a year",
      before: NIGHTLY,
      config: { backup: { schedule: "0 3 1 1 *" } },
      rows: [
        [
          "longer between backups",
          /CronJob postgres-backup `backup.schedule`: `15 2 \* \* \*` → `0 3 1 1 \*`/,
        ],
      ],
      says: /up to 365 days between two base backups instead of 1 day/,
      both: true,
    },
    {
      what: "no base backup at the weekend",
      before: NIGHTLY,
      config: { backup: { schedule: "15 2 * * 1-5" } },
      rows: [["longer between backups", /→ `15 2 \* \* 1-5`/]],
      says: /up to 3 days between two base backups instead of 1 day/,
      both: true,
    },
    {
      what: "a longer archiveTimeout",
      config: { backup: { archiveTimeout: 86400 } },
      rows: [
        ["acknowledged commits may be lost", /StatefulSet postgres `backup.archiveTimeout`: `10` → `86400`/],
      ],
      says: /a lost volume costs up to 1 day of commits instead of 10 seconds/,
    },
    {
      what: "a shorter archiveDeadline",
      config: { backup: { archiveDeadline: 10 } },
      rows: [
        ["acknowledged commits may be lost", /StatefulSet postgres `backup.archiveDeadline`: `120` → `10`/],
      ],
      says: /over a slow uplink the archive falls behind/,
      ...mild,
    },
    {
      what: "another region of the store",
      config: { backup: { region: "eu-north-1" } },
      rows: [["access changes", /StatefulSet postgres `AWS_REGION`: `us-east-1` → `eu-north-1`/]],
      says: /access to the archive: the next segment shows whether it works/,
      ...said,
    },
    {
      what: "another endpoint of the store",
      config: { backup: { endpoint: "https://other.example.com" } },
      rows: [["backups begin anew", /StatefulSet postgres `AWS_ENDPOINT`/]],
      says: /until its first base backup is done.*the old one stays, nobody deletes in it/,
      both: true,
    },
    {
      what: "another kind of store",
      config: {
        backup: {
          prefix: "gs://bucket/database",
          endpoint: undefined,
          forcePathStyle: undefined,
          credentials: undefined,
        },
      },
      rows: [["backups begin anew", /StatefulSet postgres .*`backup.prefix`: `s3:.*` → none/]],
      says: /the archive is a new one/,
      both: true,
    },
    {
      what: "backups without their key",
      before: encrypted("one"),
      config: { backup: { encryption: undefined } },
      rows: [["weaker encryption", /StatefulSet postgres .*`WALG_PGP_KEY_FILE`: `.*` → none/]],
      says: /who reads the store reads the data; those from before open with the old key alone/,
      both: true,
    },
    {
      what: "another key for backups",
      before: encrypted("one"),
      config: encrypted("two"),
      rows: [["backups begin anew", /Secret postgres-encryption changed: `WALG_PGP_KEY`/]],
      says: /opens with the old key alone: keep it/,
      both: true,
    },
    {
      what: "a key for backups that had none",
      config: encrypted("one"),
      rows: [["backups begin anew", /StatefulSet postgres .*`WALG_PGP_KEY_FILE`: none → /]],
      says: /backups from before are not encrypted: to restore one, take the key out/,
      ...said,
    },
    {
      what: "another passphrase of the backups' key",
      before: encrypted("one"),
      config: encrypted("one", "another-that-nobody-may-see"),
      rows: [["access changes", /Secret postgres-encryption changed: `WALG_PGP_KEY_PASSPHRASE`/]],
      says: /whether it fits/,
      ...said,
    },
    {
      what: "another Secret with the backups' key",
      before: { backup: { encryption: { secretName: "one" } } },
      config: { backup: { encryption: { secretName: "two" } } },
      rows: [["backups begin anew", /StatefulSet postgres .*volumes.encryption.secret.secretName/]],
      says: /opens with the old key alone/,
      both: true,
    },
    {
      what: "an identity of the cloud in place of keys",
      config: {
        backup: {
          credentials: {
            accessKeyId: undefined,
            secretAccessKey: undefined,
            serviceAccountAnnotations: { role: "backup" },
          },
        },
      },
      rows: [
        ["access changes", /StatefulSet postgres .*`AWS_ACCESS_KEY_ID_FILE`/],
        ["access changes", /ServiceAccount postgres-account `role`: none → `backup`/],
      ],
      says: /access to the archive: the next segment shows whether it works/,
      ...said,
    },

    // who gets in
    {
      what: "a load balancer that anybody reaches",
      config: { access: { serviceType: "LoadBalancer" } },
      rows: [
        [
          "opened to the outside",
          /Service postgres-client `access.serviceType`: `ClusterIP` → `LoadBalancer`/,
        ],
      ],
      says: /from the internet, anybody \(no source ranges\) may try passwords/,
    },
    {
      what: "a port of every node",
      config: { access: { serviceType: "NodePort" } },
      rows: [["opened to the outside", /Service postgres-client .*→ `NodePort`/]],
      says: /every node answers for the database/,
    },
    {
      what: "a load balancer for an office and inside the cloud",
      config: {
        access: {
          serviceType: "LoadBalancer",
          serviceAnnotations: {
            "service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8",
            "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
          },
        },
      },
      rows: [["opened to the outside", /Service postgres-client .*→ `LoadBalancer`/]],
      says: /from inside the cloud's network, `10.0.0.0\/8` may try passwords/,
    },
    {
      what: "wider source ranges",
      before: ranges("10.0.0.0/8, 192.0.2.0/24"),
      config: ranges("10.1.0.0/16,192.0.0.0/16"),
      rows: [
        [
          "opened to the outside",
          /Service postgres-client source ranges: `192.0.0.0\/16`, which were kept out/,
        ],
      ],
      says: /may try passwords/,
      both: true,
    },
    {
      what: "no source ranges any more",
      before: ranges("10.0.0.0/8"),
      config: {
        access: {
          serviceAnnotations: { "service.beta.kubernetes.io/load-balancer-source-ranges": undefined },
        },
      },
      rows: [["opened to the outside", /source ranges: `0.0.0.0\/0` and `::\/0`, which were kept out/]],
      says: /anybody \(no source ranges\)/,
    },
    {
      what: "a load balancer that is no longer internal",
      before: internal("internal"),
      config: internal("internet-facing"),
      rows: [
        ["opened to the outside", /Service postgres-client the load balancer is no longer an internal one/],
      ],
      says: /from the internet/,
    },
    {
      what: "a load balancer without the word that kept it internal",
      before: internal("internal"),
      config: internal(undefined),
      rows: [
        ["opened to the outside", /Service postgres-client the load balancer is no longer an internal one/],
      ],
      says: /from the internet/,
    },
    {
      what: "a load balancer without Google's word that kept it internal",
      before: balanced({ "networking.gke.io/load-balancer-type": "Internal" }),
      config: balanced({ "networking.gke.io/load-balancer-type": undefined }),
      rows: [
        ["opened to the outside", /Service postgres-client the load balancer is no longer an internal one/],
      ],
      says: /from the internet/,
    },
    {
      what: "other security groups of the load balancer",
      before: groups("sg-1"),
      config: groups("sg-2"),
      rows: [["access changes", /Service postgres-client .*security-groups`: `sg-1` → `sg-2`/]],
      says: /decided by other rules/,
      ...said,
    },
    {
      what: "another role",
      config: { access: { role: "other", database: "app" } },
      rows: [["access changes", /StatefulSet postgres `access.role`: `app` → `other`/]],
      says: /no table in it.*`REASSIGN OWNED BY app TO other`/,
      both: true,
    },
    {
      what: "a database of another name",
      config: { access: { database: "orders" } },
      rows: [["access changes", /StatefulSet postgres `access.database`: `app` → `orders`/]],
      says: /another database, which is empty unless it is there/,
      both: true,
    },

    // what keeps the data and the server
    {
      what: "data that may go with the stack",
      config: { disposable: true },
      rows: [
        ["no longer protected", /PersistentVolumeClaim postgres-data `protect`: taken away/],
        ["no longer protected", /PersistentVolumeClaim postgres-data `retainOnDelete`: taken away/],
        ["no longer protected", /StatefulSet postgres `protect`: taken away/],
        ["backups begin anew", /StatefulSet postgres `backup.prefix`/],
      ],
      says: /from deleting it any more/,
      both: true,
    },
    {
      what: "data of a disposable stack that are to be kept",
      before: { disposable: true },
      config: { disposable: false },
      rows: [["backups begin anew", /StatefulSet postgres `backup.prefix`/]],
      says: /until its first base backup is done/,
      both: true,
    },
    {
      what: "spot nodes as well",
      before: { placement: { spot: "avoid" } },
      config: { placement: { spot: "any" } },
      rows: [["may be interrupted", /StatefulSet postgres `placement.spot`: `avoid` → `any`/]],
      says: /the cloud may take its node back at any time/,
      ...mild,
    },
    {
      what: "spot nodes alone",
      config: { placement: { spot: "require" } },
      rows: [["may be interrupted", /StatefulSet postgres `placement.spot`: `any` → `require`/]],
      says: /the cloud may take its node back at any time/,
      ...mild,
    },
    {
      what: "no priority class any more",
      before: { placement: { priorityClassName: "production-database" } },
      config: { placement: { priorityClassName: undefined } },
      rows: [
        [
          "may be interrupted",
          /StatefulSet postgres `placement.priorityClassName`: `production-database` → none/,
        ],
      ],
      says: /pods of a higher priority may push it off/,
      ...mild,
    },
    {
      what: "an image by its tag",
      before: prebuilt(DIGEST),
      config: prebuilt(here.tested),
      rows: [["floating image", /StatefulSet postgres image by tag/]],
      says: /may mean another image tomorrow/,
      ...mild,
    },
    {
      what: "a base image by its tag",
      before: { image: { baseImage: `${here.baseImage}@sha256:${"1".repeat(64)}` } },
      config: { image: { baseImage: here.baseImage } },
      rows: [
        ["floating image", /Image postgres `BASE_IMAGE` by tag/],
        ["new image", /StatefulSet postgres/],
      ],
      says: /each build may find another image under the tag/,
      ...mild,
    },
    {
      what: "a restore that keeps nothing",
      config: { restore: { id: "tuesday", to: "latest", keepOld: false } },
      rows: [["restore", /StatefulSet postgres .*`RESTORE_KEEP_OLD`: none → `false`/]],
      says: /are removed \(keepOld: false\), and nothing leads back to them/,
      both: true,
    },

    // whether the server comes back
    {
      what: "a zone for the server",
      config: { placement: { nodeSelector: { "topology.kubernetes.io/zone": "eu-central-1c" } } },
      rows: [["may not serve", /StatefulSet postgres `nodeSelector.topology.kubernetes.io\/zone`: none/]],
      says: /the pod waits for ever/,
    },
    {
      what: "an image for other machines than its nodes",
      before: { placement: { nodeSelector: { "kubernetes.io/arch": "amd64" } } },
      config: { image: { platform: "linux/arm64" } },
      rows: [
        ["may not serve", /StatefulSet postgres `image.platform`: .* → `linux\/arm64`/],
        ["new image", /StatefulSet postgres/],
      ],
      says: /the nodes are amd64.*exec format error/,
    },
    {
      what: "other machines",
      before: { image: { platform: "linux/amd64" } },
      config: { image: { platform: "linux/arm64" } },
      rows: [["may not serve", /StatefulSet postgres `image.platform`: `linux\/amd64` → `linux\/arm64`/]],
      says: /exec format error/,
      both: true,
    },
    {
      what: "memory that few nodes have",
      config: { postgres: { memory: "2Ti" } },
      rows: [["may not serve", /StatefulSet postgres `resources.limits.memory`: `512Mi` → `2Ti`/]],
      says: /where no node beside the volume has it, the pod waits for ever/,
      both: true,
    },
    guc("synchronous_standby_names", "*", "may not serve", /every commit waits .* for ever/, { both: true }),
    guc("default_transaction_read_only", true, "may not serve", /every statement that writes is refused/),
    guc("statement_timeout", "5ms", "may not serve", /nearly every statement is cut off/),
    guc("transaction_timeout", "10ms", "may not serve", /nearly every statement is cut off/),

    // PostgreSQL's settings
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
    guc("shared_preload_libraries", "pg_stat_statements", CHECKS, /refused or recorded/, {
      before: settings({ shared_preload_libraries: "pg_stat_statements, passwordcheck" }),
    }),
    guc("row_security", false, "access changes", /end in an error/, mild),
    guc("lo_compat_privileges", true, "access changes", /every role may read and change all large objects/),
    guc("superuser_reserved_connections", 0, "access changes", /when all are used up/, mild),
    guc("ssl_min_protocol_version", "TLSv1.1", "weaker encryption", /older versions of TLS/),
    guc("ssl", false, "weaker encryption", /who listens on the network reads them/, {
      before: settings({ ssl: true }),
    }),
    guc("ssl_ciphers", "DEFAULT", "access changes", /which of both is stricter can't be told here/, said),
    guc("scram_iterations", 1024, "weaker encryption", /quicker to guess/),
    guc("bonjour", true, "opened to the outside", /announces itself/),
    guc("autovacuum", false, "the volume may fill", /tables grow/, mild),
    guc(
      "max_slot_wal_keep_size",
      "1GB",
      "replicas may lose their place",
      /a slot that is further behind is given up/,
      said,
    ),
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
    guc("track_commit_timestamp", "off", RECORDS, /forgotten, also for what is there/, {
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
    guc("log_line_prefix", "%m %p", RECORDS, /less stands before each line/, mild),
    guc("log_statement", "all", LOG, /personal data and passwords/, said),
    guc("log_min_duration_statement", "0", LOG, /personal data and passwords/, said),
    guc("log_parameter_max_length", "-1", LOG, /more of each parameter/, mild),
  ];
}

function ranges(text: string): Tree {
  return balanced({ "service.beta.kubernetes.io/load-balancer-source-ranges": text });
}

function internal(scheme: string | undefined): Tree {
  return balanced({ "service.beta.kubernetes.io/aws-load-balancer-scheme": scheme });
}

function groups(names: string): Tree {
  return balanced({ "service.beta.kubernetes.io/aws-load-balancer-security-groups": names });
}

function balanced(serviceAnnotations: Tree): Tree {
  return { access: { serviceType: "LoadBalancer", serviceAnnotations } };
}
