import { z } from "zod";
import * as field from "./fields";
import { DEFAULT_MAJOR, MAJORS } from "./major";
import { PREFIX_ALLOWED, storeOf } from "./prefix";
import { reviewSchema } from "./review";
import { hexKey, pgpKey, secretText } from "./secret-fields";
import { target } from "./target";

const prefix = z
  .string({
    error: ({ input }) => `${input === undefined ? "is missing" : "must be text"} (${PREFIX_ALLOWED})`,
  })
  .refine((value) => storeOf(value) !== undefined, { error: `is not a valid prefix (${PREFIX_ALLOWED})` });

const annotations = z.record(z.string(), field.plainText);

const postgres = z.strictObject({
  version: z.literal(MAJORS).default(DEFAULT_MAJOR),
  memory: field.quantityBetween("256Mi", "16Ti").default("4Gi"),
  cpu: field.quantityBetween("100m", "512").default("2"),
  settings: z.record(z.string(), field.gucText).default({}),
});

const image = z.strictObject({
  ref: field.imageReference.optional(),
  repository: field.imageRepository.optional(),
  platform: field.platform.optional(),
  baseImage: field.imageReference.optional(),
  walg: z.strictObject({ url: field.webAddress, sha256: field.sha256 }).optional(),
  credentials: z.strictObject({ username: field.plainText, password: secretText }).optional(),
});

const credentials = z.strictObject({
  secretName: field.dnsName.optional(),
  accessKeyId: secretText.optional(),
  secretAccessKey: secretText.optional(),
  storageAccessKey: secretText.optional(),
  serviceAccountAnnotations: annotations.optional(),
});

const encryption = z.strictObject({
  pgpKey: pgpKey.optional(),
  pgpPassphrase: secretText.optional(),
  libsodiumKey: hexKey.optional(),
  secretName: field.dnsName.optional(),
});

/** Location of an archive and how to reach it: the stack's own, or the source of a clone. */
const store = {
  prefix,
  endpoint: field.webAddress.optional(),
  region: field.region.optional(),
  forcePathStyle: z.boolean().optional(),
  storageAccount: field.plainText.optional(),
  encryption: encryption.optional(),
};

const backup = z.strictObject({
  schedule: field.cronSchedule,
  retain: field.wholeNumber(1, 1000, "full backups").default(7),
  archiveTimeout: field.wholeNumber(1, 86400, "seconds").default(60),
  archiveDeadline: field.wholeNumber(10, 3600, "seconds").default(120),
  compression: z.enum(["lz4", "zstd"]).default("lz4"),
  credentials: credentials.optional(),
  ...store,
});

const timeline = field.wholeNumber(1, 2 ** 31 - 1, "a timeline");

const restore = z.strictObject({
  id: field.requestId,
  to: target.optional(),
  from: prefix.optional(),
  backup: field.backupName.optional(),
  timeline: timeline.optional(),
  keepOld: z.boolean().default(true),
  undo: z.boolean().default(false),
  force: z.boolean().default(false),
});

const cloneFrom = z.strictObject({
  ...store,
  to: target.default("latest"),
  timeline: timeline.optional(),
  credentials: credentials.omit({ serviceAccountAnnotations: true }).optional(),
});

const SWAP =
  "must be one of: link, clone, copy (swap takes the old data apart: killed in its middle, it leaves neither)";

const upgrade = z.strictObject({
  id: field.requestId.optional(),
  mode: z
    .enum(["link", "clone", "copy"], { error: ({ input }) => (input === "swap" ? SWAP : undefined) })
    .optional(),
  keepOld: z.boolean().default(false),
  backupMaxAge: field.wholeNumber(0, 604800, "seconds").optional(),
  undo: z.boolean().default(false),
  force: z.boolean().default(false),
  reindexCollations: z.boolean().default(false),
});

const access = z.strictObject({
  role: field.identifier.default("app"),
  database: field.identifier.optional(),
  serviceType: z.enum(["ClusterIP", "LoadBalancer", "NodePort"]).default("ClusterIP"),
  serviceAnnotations: annotations.default({}),
});

const placement = z.strictObject({
  namespace: field.dnsLabel,
  createNamespace: z.boolean().default(true),
  spot: z.enum(["any", "avoid", "require"]).default("avoid"),
  priorityClassName: field.dnsName.optional(),
  nodeSelector: annotations.optional(),
  imagePullSecrets: z.array(field.dnsName).optional(),
});

/**
 * The keys below `postgres-stack:`, each checked alone. rules/ holds the rules between keys; docs/settings.md explains
 * each key.
 */
export const stackSchema = z.strictObject({
  dataSize: field.quantityBetween("256Mi", "1Pi"),
  storageClass: field.dnsName.optional(),
  disposable: z.boolean().default(false),
  fromEnvironment: z.boolean().default(false),
  postgres: postgres.prefault({}),
  image,
  backup: backup.optional(),
  restore: restore.optional(),
  cloneFrom: cloneFrom.optional(),
  upgrade: upgrade.optional(),
  access: access.prefault({}),
  placement,
  review: reviewSchema.prefault({}),
});

/** A stack's settings, with defaults applied. */
export type StackConfig = z.output<typeof stackSchema>;
export type BackupConfig = NonNullable<StackConfig["backup"]>;
export type CloneConfig = NonNullable<StackConfig["cloneFrom"]>;
export type ImageConfig = StackConfig["image"];
