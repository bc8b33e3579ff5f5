import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { type Identity, labels } from "./names";
import { type Mount, secretFolder, secretMount } from "./pod";

/** Which variable names the store: it also says which kind of store it is. */
export type PrefixVariable = "WALG_S3_PREFIX" | "WALG_GS_PREFIX" | "WALG_AZ_PREFIX" | "WALG_FILE_PREFIX";

export interface BackupArgs {
  /** Where segments and base backups go, without the major: `s3://bucket/path`. */
  readonly prefix: string;
  readonly variable: PrefixVariable;
  /** WAL-G's settings that are no secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Five-field cron, UTC. */
  readonly schedule: string;
  /** Full backups kept. */
  readonly retain: number;
  /** Seconds after which a segment that isn't full is archived all the same. */
  readonly archiveTimeout: number;
  /** Seconds that the upload of one segment may take. */
  readonly archiveDeadline: number;
  /**
   * Values by the variable's name, for a Secret of our own; or the name of a Secret that exists, with keys named like the
   * variables (for `gs://`: `key.json`). Neither where the cloud gives the ServiceAccount an identity.
   */
  readonly credentials?:
    | { readonly secretName: string }
    | { readonly data: Readonly<Record<string, pulumi.Input<string>>> };
  /** Memory limit of a base backup. */
  readonly memory: string;
}

export interface Archive {
  /** `<prefix>`, or `<prefix>/<id>` for a disposable stack. */
  readonly prefix: pulumi.Output<string>;
  readonly environment: Record<string, pulumi.Input<string>>;
  readonly mounts: readonly Mount[];
}

/** Files that a store's SDK needs, by the key in the Secret. */
const CREDENTIALS: Record<PrefixVariable, readonly string[]> = {
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
  args: BackupArgs,
  disposable: boolean,
  opts: pulumi.CustomResourceOptions,
): Archive {
  const prefix = disposable
    ? pulumi.interpolate`${args.prefix}/${new random.RandomId(`${identity.name}-life`, { byteLength: 4 }, opts).hex}`
    : pulumi.output(args.prefix);
  const { mounts, environment: credentials } = credentialFiles(identity, args, opts);
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

function credentialFiles(
  identity: Identity,
  { credentials, variable }: BackupArgs,
  opts: pulumi.CustomResourceOptions,
): { mounts: Mount[]; environment: Record<string, string> } {
  if (credentials === undefined) return { mounts: [], environment: {} };
  const folder = secretFolder("object-store");
  const files = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`${name}_FILE`, `${folder}/${name}`]));
  if ("secretName" in credentials) {
    const google: Record<string, string> =
      variable === "WALG_GS_PREFIX" ? { GOOGLE_APPLICATION_CREDENTIALS: `${folder}/key.json` } : {};
    return {
      mounts: [secretMount("object-store", credentials.secretName)],
      environment: { ...files(CREDENTIALS[variable]), ...google },
    };
  }
  const name = `${identity.name}-object-store`;
  new k8s.core.v1.Secret(
    name,
    {
      metadata: { name, namespace: identity.namespace, labels: labels(identity, "backup") },
      stringData: { ...credentials.data },
    },
    opts,
  );
  return { mounts: [secretMount("object-store", name)], environment: files(Object.keys(credentials.data)) };
}
