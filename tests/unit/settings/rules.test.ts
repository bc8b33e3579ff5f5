import { expect } from "chai";
import fc from "fast-check";
import { readStack } from "../../../settings/problems";
import { problemsOf, stackWith } from "./stack";

type Tree = Record<string, unknown>;

const settings = (values: Tree): Tree => ({ postgres: { settings: values } });
const REF = "registry.example.com/postgres@sha256:".padEnd(101, "0");

/** One mistake is one line: the whole of what is reported, as a pattern. */
const WRONG: readonly (readonly [what: string, overlay: Tree, problem: RegExp])[] = [
  ["an unknown key", { colour: "red" }, /^colour: is no setting/],
  ["a mistyped key", { datasize: "1Gi" }, /^datasize: is no setting \(did you mean dataSize\?\)/],
  [
    "a mistyped key inside",
    { backup: { retian: 3 } },
    /^backup\.retian: is no setting \(did you mean retain\?\)/,
  ],
  ["no size of the data", { dataSize: undefined }, /^dataSize: is missing \(256Mi to 1Pi/],
  ["a size that is no quantity", { dataSize: "10GB" }, /^dataSize: is no quantity/],
  ["a size too small for a database", { dataSize: "10Mi" }, /^dataSize: is below the minimum \(256Mi/],
  [
    "a storage class with spaces",
    { storageClass: "fast disk" },
    /^storageClass: is no name of a Kubernetes object/,
  ],
  ["disposable neither true nor false", { disposable: "maybe" }, /^disposable: must be true or false/],
  ["a section that is text", { placement: "here" }, /^placement: must be an object of settings/],

  ["another major", { postgres: { version: 17 } }, /^postgres\.version: must be one of: 18/],
  [
    "memory below the minimum",
    { postgres: { memory: "128Mi" } },
    /^postgres\.memory: is below the minimum \(256Mi/,
  ],
  [
    "a bare number of megabytes as memory",
    { postgres: { memory: 512 } },
    /^postgres\.memory: is below the minimum/,
  ],
  ["memory beyond any machine", { postgres: { memory: "1Pi" } }, /^postgres\.memory: is above the maximum/],
  ["hardly any CPU", { postgres: { cpu: "10m" } }, /^postgres\.cpu: is below the minimum \(100m/],
  [
    "settings that are a list",
    settings(["work_mem"] as unknown as Tree),
    /^postgres\.settings: must be an object of names/,
  ],
  [
    "a setting that is an object",
    settings({ work_mem: { is: "4MB" } }),
    /^postgres\.settings\.work_mem: must be text/,
  ],
  [
    "a setting with a line break",
    settings({ search_path: "a\nfsync = off" }),
    /search_path: must be text, .*without control/,
  ],

  [
    "an unknown setting",
    settings({ shared_bufers: "1GB" }),
    /PostgreSQL 18 has no such setting \(did you mean shared_buffers\?\)/,
  ],
  ["an include", settings({ include_dir: "/x" }), /include_dir: PostgreSQL 18 has no such setting/],
  ["a unit that does not exist", settings({ work_mem: "64XB" }), /work_mem: invalid value "64XB"/],
  [
    "a value out of range",
    settings({ checkpoint_timeout: "1s" }),
    /1s is outside the valid range \(30s \.\. 86400s\)/,
  ],
  [
    "an enum's unknown value",
    settings({ wal_compression: "gzip" }),
    /available values: pglz, lz4, zstd, on, off/,
  ],
  ["a boolean of neither kind", settings({ jit: "perhaps" }), /requires a Boolean value/],
  [
    "a setting fixed at build time",
    settings({ block_size: 8192 }),
    /block_size: can't be set: PostgreSQL reports it/,
  ],
  [
    "a setting written twice",
    settings({ DateStyle: "ISO", datestyle: "SQL" }),
    /datestyle: is the same setting as DateStyle/,
  ],
  ["fsync off", settings({ fsync: false }), /fsync: must stay on .*disposable/],
  ["full_page_writes off", settings({ full_page_writes: "no" }), /full_page_writes: must stay on/],
  ["passwords hashed with MD5", settings({ password_encryption: "md5" }), /it must be scram-sha-256/],

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

  ["no image at all", { image: undefined }, /^image: is missing/],
  [
    "neither repository nor reference",
    { image: { repository: undefined, platform: "linux/arm64" } },
    /^image: says neither/,
  ],
  ["both repository and reference", { image: { ref: REF } }, /^image: says both/],
  [
    "a base image with a reference",
    { image: { repository: undefined, ref: REF, baseImage: "postgres:18" } },
    /^image\.baseImage: has no effect/,
  ],
  [
    "a repository without its registry",
    { image: { repository: "postgres" } },
    /^image\.repository: is no image repository with a registry's host/,
  ],
  [
    "a repository with a tag",
    { image: { repository: "r.io/postgres:18" } },
    /^image\.repository: is no image repository/,
  ],
  [
    "a reference without tag",
    { image: { repository: undefined, ref: "r.io/postgres" } },
    /^image\.ref: is no image reference with a tag or digest/,
  ],
  [
    "another platform",
    { image: { platform: "windows/amd64" } },
    /^image\.platform: must be one of: linux\/amd64, linux\/arm64/,
  ],
  [
    "a WAL-G without checksum",
    { image: { walg: { url: "https://x.org/wal-g" } } },
    /^image\.walg\.sha256: is missing/,
  ],
  [
    "a checksum in capitals",
    { image: { walg: { url: "https://x.org/w", sha256: "A".repeat(64) } } },
    /^image\.walg\.sha256: is no SHA-256/,
  ],
  [
    "an address with a password",
    { image: { walg: { url: "https://a:b@x.org/w", sha256: "a".repeat(64) } } },
    /^image\.walg\.url: is no address/,
  ],

  ["no schedule", { backup: { schedule: undefined } }, /^backup\.schedule: is missing/],
  [
    "a schedule that never fires",
    { backup: { schedule: "0 0 31 2 *" } },
    /^backup\.schedule: is no schedule that ever fires/,
  ],
  ["no prefix", { backup: { prefix: undefined } }, /^backup\.prefix: is missing \(exactly one of/],
  [
    "two prefixes in a text",
    { backup: { prefix: "s3://a,gs://b" } },
    /^backup\.prefix: is no prefix \(exactly one of/,
  ],
  [
    "two prefixes in a list",
    { backup: { prefix: ["s3://a", "gs://b"] } },
    /^backup\.prefix: must be text \(exactly one of/,
  ],
  ["an unknown kind of store", { backup: { prefix: "ftp://a/b" } }, /^backup\.prefix: is no prefix/],
  ["a prefix without bucket", { backup: { prefix: "s3:///path" } }, /^backup\.prefix: is no prefix/],
  [
    "no backup kept",
    { backup: { retain: 0 } },
    /^backup\.retain: must be a whole number of full backups \(1 to 1000\)/,
  ],
  [
    "half a second",
    { backup: { archiveTimeout: 0.5 } },
    /^backup\.archiveTimeout: must be a whole number of seconds/,
  ],
  [
    "an unknown compression",
    { backup: { compression: "rar" } },
    /^backup\.compression: must be one of: lz4, zstd/,
  ],
  [
    "an endpoint for Google's store",
    { backup: { prefix: "gs://b/p", endpoint: "https://x.org" } },
    /^backup\.endpoint: has no meaning for gs:\/\/ \(only for s3:\/\/\)/,
  ],
  [
    "Azure's key for S3",
    { backup: { credentials: { storageAccessKey: "k" } } },
    /^backup\.credentials\.storageAccessKey: has no meaning for s3:/,
  ],
  [
    "Azure's store without account",
    { backup: { prefix: "azure://c/p" } },
    /^backup\.storageAccount: is missing/,
  ],
  [
    "an archive on the volume itself",
    { backup: { prefix: "file:///var/lib/postgresql/backups" } },
    /^backup\.prefix: goes with the volume/,
  ],
  [
    "two kinds of credentials",
    { backup: { credentials: { secretName: "a", accessKeyId: "b", secretAccessKey: "c" } } },
    /^backup\.credentials: must be one of/,
  ],
  ["credentials without any", { backup: { credentials: {} } }, /^backup\.credentials: must be one of/],
  [
    "a secret key without its id",
    { backup: { credentials: { secretAccessKey: "b" } } },
    /^backup\.credentials\.accessKeyId: is missing/,
  ],
  [
    "an id without its secret key",
    { backup: { credentials: { accessKeyId: "b" } } },
    /^backup\.credentials\.secretAccessKey: is missing/,
  ],

  ["a role with a quote", { access: { role: 'a"b' } }, /^access\.role: is no name for a role/],
  ["a role in capitals", { access: { role: "App" } }, /^access\.role: is no name for a role/],
  ["a role of 64 letters", { access: { role: "a".repeat(64) } }, /^access\.role: is no name for a role/],
  ["the superuser as role", { access: { role: "postgres" } }, /^access\.role: is no name for a role/],
  [
    "a role that PostgreSQL reserves",
    { access: { role: "pg_monitor" } },
    /^access\.role: is no name for a role/,
  ],
  ["a database of the server's", { access: { database: "template1" } }, /^access\.database: is no name/],
  [
    "another kind of Service",
    { access: { serviceType: "Ingress" } },
    /^access\.serviceType: must be one of: ClusterIP/,
  ],
  [
    "a namespace in capitals",
    { placement: { namespace: "Prod" } },
    /^placement\.namespace: is no name for a namespace/,
  ],
  [
    "an unknown word for spot",
    { placement: { spot: "sometimes" } },
    /^placement\.spot: must be one of: any, avoid, require/,
  ],
  [
    "a node selector that is no map",
    { placement: { nodeSelector: "amd64" } },
    /^placement\.nodeSelector: must be an object/,
  ],
];

const OWNED = [
  "archive_command",
  "archive_mode",
  "archive_library",
  "archive_timeout",
  "restore_command",
  "recovery_target_time",
  "recovery_end_command",
  "primary_conninfo",
  "data_directory",
  "config_file",
  "hba_file",
  "ident_file",
  "external_pid_file",
  "listen_addresses",
  "port",
  "unix_socket_directories",
  "logging_collector",
];

const RIGHT: readonly (readonly [what: string, overlay: Tree])[] = [
  [
    "any setting of PostgreSQL, as text, number or boolean",
    settings({ work_mem: "128MB", max_connections: 150, jit: false, Random_Page_Cost: 1.5 }),
  ],
  ["an extension's setting", settings({ "pgaudit.log": "write", "auto_explain.log_min_duration": "1s" })],
  ["an enum's on and off as booleans", settings({ wal_compression: true, huge_pages: false })],
  ["fsync off in a disposable stack", { disposable: true, ...settings({ fsync: "off" }) }],
  ["an image built before", { image: { repository: undefined, ref: REF } }],
  [
    "an image by tag, with a registry's port",
    { image: { repository: undefined, ref: "localhost:5000/postgres:18-0123456789ab" } },
  ],
  ["no backup", { backup: undefined }],
  [
    "IRSA",
    {
      backup: {
        credentials: { serviceAccountAnnotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x" } },
      },
    },
  ],
  [
    "a Secret that exists, for Google's store",
    { backup: { prefix: "gs://bucket/path", credentials: { secretName: "gcs" } } },
  ],
  [
    "Azure's store",
    { backup: { prefix: "azure://c/p", storageAccount: "acct", credentials: { storageAccessKey: "k" } } },
  ],
  [
    "an archive on the volume of a disposable stack",
    { disposable: true, backup: { prefix: "file:///var/lib/postgresql/backups" } },
  ],
  ["quantities as numbers", { dataSize: 21474836480, postgres: { memory: 4294967296, cpu: 1.5 } }],
  ["wal_level logical", settings({ wal_level: "logical" })],
];

function put(tree: Tree, [key = "", ...rest]: string[], value: unknown): void {
  const below = tree[key];
  if (rest.length === 0) tree[key] = value;
  else if (typeof below === "object" && below !== null) put(below as Tree, rest, value);
  else tree[key] = Object.fromEntries([[rest.join("."), value]]);
}

describe("a stack's settings", () => {
  for (const [what, overlay, problem] of WRONG) {
    it(`may not say: ${what}`, () => {
      const problems = problemsOf(overlay);
      expect(problems, problems.join("\n")).to.have.length(1);
      expect(problems[0]).to.match(problem);
    });
  }

  for (const name of OWNED) {
    it(`may not set ${name}, and learn why`, () => {
      expect(problemsOf(settings({ [name]: "x" }))).to.have.length(1);
      expect(problemsOf(settings({ [name]: "x" }))[0]).to.match(
        new RegExp(`${name}: can't be set: it (is|belongs)`),
      );
    });
  }

  it("may say whatever it likes: the answer is a list of problems, never a crash", () => {
    const leaf = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("1Gi", "0", "s3://a/b", "* * * * *", true, null, []),
    );
    const paths = [
      "dataSize",
      "postgres.memory",
      "postgres.cpu",
      "postgres.settings",
      "postgres",
      "image",
      "image.ref",
    ];
    const more = [
      "backup",
      "backup.prefix",
      "backup.credentials",
      "access",
      "access.role",
      "placement",
      "disposable",
    ];
    const settings = ["shared_buffers", "max_wal_size", "max_connections", "wal_level", "work_mem", "fsync"];
    const path = fc.constantFrom(...paths, ...more, ...settings.map((name) => `postgres.settings.${name}`));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, leaf), { maxLength: 6 }), (changes) => {
        const stack = stackWith({});
        for (const [at, value] of changes) put(stack, at.split("."), value);
        expect(readStack(stack)).to.have.any.keys("config", "problems");
      }),
      { numRuns: 1000 },
    );
  });

  for (const [what, overlay] of RIGHT) {
    it(`may say: ${what}`, () => expect(problemsOf(overlay)).to.deep.equal([]));
  }
});
