import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { BackupSettings, SecretValues } from "../settings/settings";
import type { Instance } from "./instance";
import { type Identity, labels } from "./names";
import { type Mount, type ServerPart, secretFolder, secretMount } from "./pod";

export interface Archive extends ServerPart {
  readonly backup: BackupSettings;
  /** `<prefix>`, or `<prefix>/<id>` for a disposable stack. */
  readonly prefix: pulumi.Output<string>;
  readonly environment: Record<string, pulumi.Input<string>>;
  readonly mounts: readonly Mount[];
  /** Labels that a pod needs to get the ServiceAccount's cloud identity. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Changes with the encryption key; undefined without encryption or if the key is in an existing Secret. */
  readonly keyFingerprint?: pulumi.Output<string>;
}

/** Secret keys that a store's SDK reads from files. */
const CREDENTIALS: Record<BackupSettings["variable"], readonly string[]> = {
  WALG_S3_PREFIX: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  WALG_AZ_PREFIX: ["AZURE_STORAGE_ACCESS_KEY"],
  WALG_GS_PREFIX: [],
  WALG_FILE_PREFIX: [],
};

/**
 * What archiving and base backups share: prefix, WAL-G's settings, credentials as mounted files; undefined without backups.
 * Each life of a disposable stack is a new database with its own folder, so that it doesn't overwrite the previous life's
 * segments.
 */
export function createArchive(instance: Instance, opts: pulumi.CustomResourceOptions): Archive | undefined {
  const args = instance.backup;
  if (args === undefined) return undefined;
  const prefix = instance.disposable
    ? pulumi.interpolate`${args.prefix}/${new random.RandomId(`${instance.name}-life`, { byteLength: 4 }, opts).hex}`
    : pulumi.output(args.prefix);
  const access = storeAccess(instance, { ...args, name: "object-store", of: "" }, opts);
  const key = keyAccess(instance, { ...args, name: "encryption", of: "" }, opts);
  return {
    backup: args,
    prefix,
    mounts: [...access.mounts, ...key.mounts],
    podLabels: identityLabels(args.serviceAccountAnnotations),
    keyFingerprint: fingerprint(args.encryption),
    environment: {
      ...args.environment,
      ...access.environment,
      ...key.environment,
      [args.variable]: prefix,
      ARCHIVE_TIMEOUT: String(args.archiveTimeout),
      ARCHIVE_DEADLINE: String(args.archiveDeadline),
      BACKUP_SCHEDULE: "external", // the CronJob has the schedule, so that a new one doesn't restart the server
    },
  };
}

/** Azure requires a label on the pod; AWS and Google need only the ServiceAccount. */
function identityLabels(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const azure = Object.keys(annotations).some((name) => name.startsWith("azure.workload.identity/"));
  return azure ? { "azure.workload.identity/use": "true" } : {};
}

interface SecretMountArgs {
  /** Name of the mount, and of the Secret with the values from the stack. */
  readonly name: string;
  /** Prefix of the variables: `CLONE_` for the archive that a clone reads. */
  readonly of: string;
}

export interface StoreAccessArgs extends SecretMountArgs {
  readonly variable?: BackupSettings["variable"];
  readonly credentials?: SecretValues;
}

export interface KeyAccessArgs extends SecretMountArgs {
  readonly encryption?: SecretValues;
}

/** Mounted Secrets, and the variables that name their files. */
export interface SecretFiles {
  readonly mounts: Mount[];
  readonly environment: Record<string, string>;
}

/** A store's credentials. */
export function storeAccess(
  identity: Identity,
  { credentials, variable, name, of }: StoreAccessArgs,
  opts: pulumi.CustomResourceOptions,
): SecretFiles {
  if (credentials === undefined || variable === undefined) return { mounts: [], environment: {} };
  const mounts = [mountSecret(identity, name, credentials, opts)];
  if ("data" in credentials) return { mounts, environment: files(of, name, Object.keys(credentials.data)) };
  const google: Record<string, string> =
    variable === "WALG_GS_PREFIX"
      ? { [`${of}GOOGLE_APPLICATION_CREDENTIALS`]: `${secretFolder(name)}/key.json` }
      : {};
  return { mounts, environment: { ...files(of, name, CREDENTIALS[variable]), ...google } };
}

/** An archive's key. For an existing Secret, the image determines the kind of key from the Secret's files. */
export function keyAccess(
  identity: Identity,
  { encryption, name, of }: KeyAccessArgs,
  opts: pulumi.CustomResourceOptions,
): SecretFiles {
  if (encryption === undefined) return { mounts: [], environment: {} };
  const mounts = [mountSecret(identity, name, encryption, opts)];
  if ("data" in encryption) return { mounts, environment: files(of, name, Object.keys(encryption.data)) };
  return { mounts, environment: { [`${of}ENCRYPTION_FOLDER`]: secretFolder(name) } };
}

function files(of: string, name: string, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [`${of}${key}_FILE`, `${secretFolder(name)}/${key}`]));
}

/** Mounts an existing Secret, or creates one with these values. */
function mountSecret(
  identity: Identity,
  name: string,
  secret: SecretValues,
  opts: pulumi.CustomResourceOptions,
): Mount {
  if ("secretName" in secret) return secretMount(name, secret.secretName);
  const secretName = `${identity.name}-${name}`;
  const { metadata } = new k8s.core.v1.Secret(
    secretName,
    {
      metadata: { name: secretName, namespace: identity.namespace, labels: labels(identity, "backup") },
      stringData: { ...secret.data },
    },
    opts,
  );
  return secretMount(name, metadata.name); // an output, so that the mount waits for the Secret's values
}

/** 16 hex digits of a key's hash: shows that the key changed, and reveals nothing about it. */
function fingerprint(encryption: SecretValues | undefined): pulumi.Output<string> | undefined {
  if (encryption === undefined || "secretName" in encryption) return undefined;
  const hash = (values: string[]) =>
    createHash("sha256").update(values.join("\n")).digest("hex").slice(0, 16);
  return pulumi.unsecret(pulumi.all(Object.values(encryption.data)).apply(hash));
}
