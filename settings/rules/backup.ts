import { type Store, storeOf } from "../prefix";
import type { BackupConfig, CloneConfig, StackConfig } from "../schema";
import { type Problem, type Rule, unless } from "./rule";

/** The two keys that locate an archive. */
type Key = "backup" | "cloneFrom";

/** Keys that apply only to some stores. */
const STORES: Readonly<Record<string, readonly Store[]>> = {
  endpoint: ["s3"],
  region: ["s3"],
  forcePathStyle: ["s3"],
  storageAccount: ["azure"],
  "credentials.secretName": ["s3", "gs", "azure"],
  "credentials.accessKeyId": ["s3"],
  "credentials.secretAccessKey": ["s3"],
  "credentials.storageAccessKey": ["azure"],
  "credentials.serviceAccountAnnotations": ["s3", "gs", "azure"],
};

const CREDENTIALS =
  "one of secretName, accessKeyId with secretAccessKey, storageAccessKey, serviceAccountAnnotations";

/** Where the pod can write, and files survive it. */
const VOLUME = "/var/lib/postgresql/";

export const backupRules: readonly Rule[] = [
  ...storeRules("backup"),
  {
    needs: ["backup.prefix", "disposable"],
    check: ({ backup, disposable }) =>
      unless(
        backup === undefined ||
          storeOf(backup.prefix) !== "file" ||
          (disposable && backup.prefix.startsWith(`file://${VOLUME}`)),
        "backup.prefix",
        `goes with the volume that it should save (file:// only in a disposable stack, below ${VOLUME})`,
      ),
  },
];

/** Rules for an archive's address and credentials. */
export function storeRules(key: Key): readonly Rule[] {
  const whenGiven =
    (check: (store: BackupConfig | CloneConfig) => readonly Problem[]) => (config: StackConfig) => {
      const store = config[key];
      return store ? check(store) : [];
    };
  return [
    { needs: [`${key}.prefix`], check: whenGiven((store) => fitStore(key, store)) },
    {
      needs: [`${key}.prefix`, `${key}.storageAccount`],
      check: whenGiven(({ prefix, storageAccount }) =>
        unless(
          storeOf(prefix) !== "azure" || storageAccount !== undefined,
          `${key}.storageAccount`,
          "is missing (azure:// needs the storage account's name)",
        ),
      ),
    },
    { needs: [`${key}.credentials`], check: whenGiven((store) => oneKindOfCredentials(key, store)) },
    { needs: [`${key}.encryption`], check: whenGiven((store) => oneKindOfKey(key, store)) },
  ];
}

function fitStore(key: Key, given: BackupConfig | CloneConfig): Problem[] {
  const store = storeOf(given.prefix);
  const values = { ...given, ...prefixed("credentials.", given.credentials) } as Record<string, unknown>;
  return Object.entries(STORES)
    .filter(([name, stores]) => values[name] !== undefined && store !== undefined && !stores.includes(store))
    .map(([name, stores]) => ({
      path: `${key}.${name}`,
      message: `has no meaning for ${store}:// (only for ${stores.map((it) => `${it}://`).join(", ")})`,
    }));
}

function oneKindOfCredentials(key: Key, { credentials }: BackupConfig | CloneConfig): readonly Problem[] {
  if (credentials === undefined) return [];
  const { secretName, accessKeyId, secretAccessKey, storageAccessKey } = credentials;
  const annotations =
    "serviceAccountAnnotations" in credentials ? credentials.serviceAccountAnnotations : undefined;
  const kinds = [secretName, accessKeyId ?? secretAccessKey, storageAccessKey, annotations];
  const path = `${key}.credentials`;
  if (kinds.filter((kind) => kind !== undefined).length !== 1) {
    return unless(
      false,
      path,
      `must be ${CREDENTIALS}; leave it out where the cloud identifies the pod by itself`,
    );
  }
  return [
    ...unless(
      !secretAccessKey || !!accessKeyId,
      `${path}.accessKeyId`,
      "is missing (it goes with secretAccessKey)",
    ),
    ...unless(
      !accessKeyId || !!secretAccessKey,
      `${path}.secretAccessKey`,
      "is missing (it goes with accessKeyId)",
    ),
  ];
}

function oneKindOfKey(key: Key, { encryption }: BackupConfig | CloneConfig): readonly Problem[] {
  if (encryption === undefined) return [];
  const { pgpKey, pgpPassphrase, libsodiumKey, secretName } = encryption;
  const kinds = [pgpKey ?? pgpPassphrase, libsodiumKey, secretName].filter((kind) => kind !== undefined);
  return [
    ...unless(
      kinds.length === 1,
      `${key}.encryption`,
      "must be one of pgpKey (with pgpPassphrase, if the key has one), libsodiumKey, secretName",
    ),
    ...unless(
      kinds.length !== 1 || pgpPassphrase === undefined || pgpKey !== undefined,
      `${key}.encryption.pgpKey`,
      "is missing (it goes with pgpPassphrase)",
    ),
  ];
}

function prefixed(prefix: string, values: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [prefix + key, value]));
}
