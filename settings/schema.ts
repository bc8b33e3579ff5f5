import { z } from "zod";
import * as field from "./fields";
import { DEFAULT_MAJOR, MAJORS } from "./major";
import { PREFIX_ALLOWED, storeOf } from "./prefix";
import { reviewSchema } from "./review";
import { target } from "./target";

const prefix = z
  .string({
    error: ({ input }) => `${input === undefined ? "is missing" : "must be text"} (${PREFIX_ALLOWED})`,
  })
  .refine((value) => storeOf(value) !== undefined, { error: `is no prefix (${PREFIX_ALLOWED})` });

const annotations = z.record(z.string(), field.plainText);

const postgres = z.strictObject({
  /** Major version; another one needs `upgrade`. */
  version: z.literal(MAJORS).default(DEFAULT_MAJOR),
  /** Memory of the server's pod, request and limit: a Kubernetes quantity. */
  memory: field.quantityBetween("256Mi", "16Ti").default("4Gi"),
  /** CPUs of the server's pod: a Kubernetes quantity. */
  cpu: field.quantityBetween("100m", "512").default("2"),
  /** Settings of PostgreSQL by their names, over what follows from memory and CPU. */
  settings: z.record(z.string(), field.gucText).default({}),
});

const image = z.strictObject({
  /** An image built before; nothing of Docker is needed then. */
  ref: field.imageReference.optional(),
  /** Where the image is pushed: with the registry's host, without a tag. */
  repository: field.imageRepository.optional(),
  /** What the cluster's nodes run: `linux/amd64` or `linux/arm64`. */
  platform: field.platform.optional(),
  /** Base image of the same major, for a mirror or where none is pinned. */
  baseImage: field.imageReference.optional(),
  /** WAL-G's release asset and its SHA-256, for a mirror. */
  walg: z
    .strictObject({
      /** Where it is downloaded. */
      url: field.webAddress,
      /** 64 hex digits. */
      sha256: field.sha256,
    })
    .optional(),
  /** For the push; left out where the Docker client is logged in already. */
  credentials: z
    .strictObject({
      /** Who pushes. */
      username: field.plainText,
      /** The registry's password or token; a secret. */
      password: field.secretText,
    })
    .optional(),
});

const credentials = z.strictObject({
  /** A Secret that exists, with the keys that docs/settings.md names. */
  secretName: field.dnsName.optional(),
  /** Access key of an S3 store, with `secretAccessKey`. */
  accessKeyId: field.secretText.optional(),
  /** Secret key of an S3 store. */
  secretAccessKey: field.secretText.optional(),
  /** Key of Azure's storage account. */
  storageAccessKey: field.secretText.optional(),
  /** For an identity that the cloud gives to the pods' ServiceAccount. */
  serviceAccountAnnotations: annotations.optional(),
});

const encryption = z.strictObject({
  /** OpenPGP private key, as `gpg --armor --export-secret-keys` prints it. */
  pgpKey: field.pgpKey.optional(),
  /** The passphrase of `pgpKey`, if it has one. */
  pgpPassphrase: field.secretText.optional(),
  /** A libsodium key instead: 64 hex digits. */
  libsodiumKey: field.hexKey.optional(),
  /** A Secret that exists, with the keys that docs/settings.md names. */
  secretName: field.dnsName.optional(),
});

/** Where an archive lies and how it is reached: the stack's own, or the one that a clone reads. */
const store = {
  /** `s3://bucket/path`, `gs://`, `azure://` or, in a disposable stack, `file://`: a place of this database alone. */
  prefix,
  /** Address of an S3 server other than AWS. */
  endpoint: field.webAddress.optional(),
  /** S3 region. */
  region: field.region.optional(),
  /** The bucket in the path instead of the host name: most S3 servers other than AWS. */
  forcePathStyle: z.boolean().optional(),
  /** Azure's storage account. */
  storageAccount: field.plainText.optional(),
  /** The key that segments and base backups are encrypted with; none: they are stored as they are. */
  encryption: encryption.optional(),
};

const backup = z.strictObject({
  /** When base backups begin: five-field cron, UTC. */
  schedule: field.cronSchedule,
  /** Full backups kept, and the WAL since the oldest of them. */
  retain: field.wholeNumber(1, 1000, "full backups").default(7),
  /** Seconds after which a segment that isn't full is archived all the same. */
  archiveTimeout: field.wholeNumber(1, 86400, "seconds").default(60),
  /** Seconds without a byte after which a transfer of a segment is tried again. */
  archiveDeadline: field.wholeNumber(10, 3600, "seconds").default(120),
  /** `zstd` stores about a quarter less than `lz4` and takes more CPU. */
  compression: z.enum(["lz4", "zstd"]).default("lz4"),
  /** How the store is reached; none where the cloud identifies the pods. */
  credentials: credentials.optional(),
  ...store,
});

const timeline = field.wholeNumber(1, 2 ** 31 - 1, "a timeline");

const restore = z.strictObject({
  /** Names the request: each id is used once. */
  id: field.requestId,
  /** `latest`, a time with its zone, or one of `{ lsn }`, `{ xid }`, `{ name }`. */
  to: target.optional(),
  /** Another database's archive in the same kind of store. */
  from: prefix.optional(),
  /** Base backup to begin with; by default the newest that ended before the target. */
  backup: field.backupName.optional(),
  /** Timeline to follow. */
  timeline: timeline.optional(),
  /** False: the data from before are removed after the base backup that follows. */
  keepOld: z.boolean().default(true),
  /** True, with the same id: back to the data from before. */
  undo: z.boolean().default(false),
  /** True: what a check finds doubtful is no reason to refuse. */
  force: z.boolean().default(false),
});

const cloneFrom = z.strictObject({
  ...store,
  /** `latest`, a time with its zone, or one of `{ lsn }`, `{ xid }`, `{ name }`. */
  to: target.default("latest"),
  /** Timeline to follow. */
  timeline: timeline.optional(),
  /** To read the source; those of `backup` when left out. */
  credentials: credentials.omit({ serviceAccountAnnotations: true }).optional(),
});

const SWAP =
  "must be one of: link, clone, copy (swap takes the old data apart: killed in its middle, it leaves neither)";

const upgrade = z.strictObject({
  /** Names the request, together with another `postgres.version`: each id is used once. */
  id: field.requestId.optional(),
  /** `link` needs no time and room for the data; the other two copy them first. */
  mode: z
    .enum(["link", "clone", "copy"], { error: ({ input }) => (input === "swap" ? SWAP : undefined) })
    .optional(),
  /** True, not with `link`: the old data stay on the volume, for `undo`. */
  keepOld: z.boolean().default(false),
  /** A base backup is taken first, unless one has ended within so many seconds. */
  backupMaxAge: field.wholeNumber(0, 604800, "seconds").optional(),
  /** True, with the same id: back to the data from before. */
  undo: z.boolean().default(false),
  /** True: what a check finds doubtful is no reason to refuse. */
  force: z.boolean().default(false),
  /** True: indexes that another glibc or ICU sorts otherwise are rebuilt at boot. */
  reindexCollations: z.boolean().default(false),
});

const access = z.strictObject({
  /** The application's role, owner of its database. */
  role: field.identifier.default("app"),
  /** The application's database; by default named like the role. */
  database: field.identifier.optional(),
  /** Service for clients. */
  serviceType: z.enum(["ClusterIP", "LoadBalancer", "NodePort"]).default("ClusterIP"),
  /** Annotations of that Service, for load balancers. */
  serviceAnnotations: annotations.default({}),
});

const placement = z.strictObject({
  /** Namespace of everything. */
  namespace: field.dnsLabel,
  /** False: the namespace exists already. */
  createNamespace: z.boolean().default(true),
  /** Nodes that the cloud may take back. */
  spot: z.enum(["any", "avoid", "require"]).default("avoid"),
  /** A PriorityClass that exists. */
  priorityClassName: field.dnsName.optional(),
  /** Labels that the node must have. */
  nodeSelector: annotations.optional(),
  /** Secrets in the namespace, for an image in a private registry. */
  imagePullSecrets: z.array(field.dnsName).optional(),
});

/**
 * What a stack may say, below `postgres-stack:`, each key for itself; rules/ has what must hold between keys, and docs/settings.md
 * what each means.
 */
export const stackSchema = z.strictObject({
  /** Data that the database may grow to, a Kubernetes quantity; the volume is 2.5 times that. */
  dataSize: field.quantityBetween("256Mi", "1Pi"),
  /** Storage class of the volume, chosen once; the cluster's default when left out. */
  storageClass: field.dnsName.optional(),
  /** The data goes with the stack and nothing is protected. */
  disposable: z.boolean().default(false),
  /** The environment says where images, backups and the namespace are; for development. */
  fromEnvironment: z.boolean().default(false),
  /** Version, memory, CPUs, and settings of PostgreSQL. */
  postgres: postgres.prefault({}),
  /** The image: `repository` to build and push it, or `ref`, one built before. */
  image,
  /** Where and when backups go; none: nothing is archived. */
  backup: backup.optional(),
  /** A restore that is asked for. */
  restore: restore.optional(),
  /** Fills the empty volume from another database's archive. */
  cloneFrom: cloneFrom.optional(),
  /** A major upgrade that is asked for. */
  upgrade: upgrade.optional(),
  /** Role and database of the application, and how clients reach them. */
  access: access.prefault({}),
  /** Where its pods run. */
  placement,
  /** Dangerous effects that a review of changes lets through; the program takes no notice of it. */
  review: reviewSchema.prefault({}),
});

/** What a program may say of one database: the same as a stack, and the namespace follows from the names. */
export type DatabaseInput = Omit<z.input<typeof stackSchema>, "placement"> & {
  readonly placement?: Partial<z.input<typeof placement>>;
};

/** A stack's settings with defaults filled in. */
export type StackConfig = z.output<typeof stackSchema>;
export type BackupConfig = NonNullable<StackConfig["backup"]>;
export type CloneConfig = NonNullable<StackConfig["cloneFrom"]>;
export type ImageConfig = StackConfig["image"];
