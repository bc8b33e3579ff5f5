import { type Store, storeOf } from "../prefix";
import type { BackupConfig, StackConfig } from "../schema";
import { type Problem, type Rule, unless } from "./rule";

/** Keys that only some stores know. */
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

/** Where the pod can write and the data outlives it. */
const VOLUME = "/var/lib/postgresql/";

export const backupRules: readonly Rule[] = [
  { needs: ["backup.prefix"], check: whenBackup(fitStore) },
  {
    needs: ["backup.prefix", "backup.storageAccount"],
    check: whenBackup(({ prefix, storageAccount }) =>
      unless(
        storeOf(prefix) !== "azure" || storageAccount !== undefined,
        "backup.storageAccount",
        "is missing (azure:// needs the storage account's name)",
      ),
    ),
  },
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
  { needs: ["backup.credentials"], check: whenBackup(oneKindOfCredentials) },
];

function whenBackup(check: (backup: BackupConfig) => readonly Problem[]) {
  return ({ backup }: StackConfig) => (backup ? check(backup) : []);
}

function fitStore(backup: BackupConfig): Problem[] {
  const store = storeOf(backup.prefix);
  const given = { ...backup, ...prefixed("credentials.", backup.credentials) } as Record<string, unknown>;
  return Object.entries(STORES)
    .filter(([key, stores]) => given[key] !== undefined && store !== undefined && !stores.includes(store))
    .map(([key, stores]) => ({
      path: `backup.${key}`,
      message: `has no meaning for ${store}:// (only for ${stores.map((name) => `${name}://`).join(", ")})`,
    }));
}

function oneKindOfCredentials({ credentials }: BackupConfig): readonly Problem[] {
  if (credentials === undefined) return [];
  const { secretName, accessKeyId, secretAccessKey, storageAccessKey, serviceAccountAnnotations } =
    credentials;
  const kinds = [secretName, accessKeyId ?? secretAccessKey, storageAccessKey, serviceAccountAnnotations];
  const path = "backup.credentials";
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

function prefixed(prefix: string, values: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [prefix + key, value]));
}
