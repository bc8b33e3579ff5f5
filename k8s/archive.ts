import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { BackupSettings, StoreCredentials } from "../settings/settings";
import { type Identity, labels } from "./names";
import { type Mount, secretFolder, secretMount } from "./pod";

export interface Archive {
  /** `<prefix>`, or `<prefix>/<id>` for a disposable stack. */
  readonly prefix: pulumi.Output<string>;
  readonly environment: Record<string, pulumi.Input<string>>;
  readonly mounts: readonly Mount[];
}

/** Files that a store's SDK needs, by the key in the Secret. */
const CREDENTIALS: Record<BackupSettings["variable"], readonly string[]> = {
  WALG_S3_PREFIX: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  WALG_AZ_PREFIX: ["AZURE_STORAGE_ACCESS_KEY"],
  WALG_GS_PREFIX: [],
  WALG_FILE_PREFIX: [],
};

/**
 * What archiving and base backups share: prefix, WAL-G's settings, credentials as mounted files.
 *
 * @param disposable a disposable stack's next life is another database, which must not archive over the segments of the
 *   one before: each life gets a folder of its own
 */
export function createArchive(
  identity: Identity,
  args: BackupSettings,
  disposable: boolean,
  opts: pulumi.CustomResourceOptions,
): Archive {
  const prefix = disposable
    ? pulumi.interpolate`${args.prefix}/${new random.RandomId(`${identity.name}-life`, { byteLength: 4 }, opts).hex}`
    : pulumi.output(args.prefix);
  const { mounts, environment: credentials } = storeAccess(
    identity,
    { ...args, name: "object-store", of: "" },
    opts,
  );
  return {
    prefix,
    mounts,
    environment: {
      ...args.environment,
      ...credentials,
      [args.variable]: prefix,
      ARCHIVE_TIMEOUT: String(args.archiveTimeout),
      ARCHIVE_DEADLINE: String(args.archiveDeadline),
      BACKUP_SCHEDULE: "external", // the CronJob's; a new schedule must not restart the server
    },
  };
}

export interface StoreAccessArgs {
  readonly variable?: BackupSettings["variable"];
  readonly credentials?: StoreCredentials;
  /** Of the mount, and of the Secret that holds values given in the stack. */
  readonly name: string;
  /** What the variables begin with: `CLONE_` for the store that a clone reads. */
  readonly of: string;
}

/** A store's credentials as mounted files, and the variables that name them. */
export function storeAccess(
  identity: Identity,
  { credentials, variable, name, of }: StoreAccessArgs,
  opts: pulumi.CustomResourceOptions,
): { mounts: Mount[]; environment: Record<string, string> } {
  if (credentials === undefined || variable === undefined) return { mounts: [], environment: {} };
  const folder = secretFolder(name);
  const files = (names: readonly string[]) =>
    Object.fromEntries(names.map((file) => [`${of}${file}_FILE`, `${folder}/${file}`]));
  if ("secretName" in credentials) {
    const google: Record<string, string> =
      variable === "WALG_GS_PREFIX" ? { [`${of}GOOGLE_APPLICATION_CREDENTIALS`]: `${folder}/key.json` } : {};
    return {
      mounts: [secretMount(name, credentials.secretName)],
      environment: { ...files(CREDENTIALS[variable]), ...google },
    };
  }
  const secretName = `${identity.name}-${name}`;
  new k8s.core.v1.Secret(
    secretName,
    {
      metadata: { name: secretName, namespace: identity.namespace, labels: labels(identity, "backup") },
      stringData: { ...credentials.data },
    },
    opts,
  );
  return { mounts: [secretMount(name, secretName)], environment: files(Object.keys(credentials.data)) };
}
