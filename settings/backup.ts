import * as pulumi from "@pulumi/pulumi";
import { PREFIX_VARIABLES, storeOf } from "./prefix";
import type { BackupConfig, CloneConfig } from "./schema";
import type { BackupSettings, SecretValues } from "./settings";
import { backupCpu, backupMemory, type Limits, walgConcurrency } from "./walg";

type Secret = string | pulumi.Output<string>;

/** Settings of archiving and base backups; secrets are Pulumi secrets. */
export function backupSettings(backup: BackupConfig, limits: Limits): BackupSettings {
  const { schedule, retain, archiveTimeout, archiveDeadline } = backup;
  const store = storeOf(backup.prefix) ?? "s3";
  const prefix = backup.prefix.replace(/\/+$/, "");
  return {
    prefix: store === "file" ? prefix.replace("file://", "") : prefix,
    variable: PREFIX_VARIABLES[store],
    environment: {
      WALG_COMPRESSION_METHOD: backup.compression,
      ...storeEnvironment(backup),
      ...walgConcurrency(limits),
    },
    schedule,
    retain,
    archiveTimeout,
    archiveDeadline,
    credentials: storeCredentials(backup.credentials),
    encryption: encryptionKey(backup.encryption),
    serviceAccountAnnotations: backup.credentials?.serviceAccountAnnotations ?? {},
    memory: backupMemory(limits),
    cpu: backupCpu(limits),
  };
}

/** WAL-G's variables that reach a store. */
export function storeEnvironment(store: BackupConfig | CloneConfig): Record<string, string> {
  const { endpoint, region, forcePathStyle, storageAccount, encryption } = store;
  return {
    ...(endpoint && { AWS_ENDPOINT: endpoint }),
    ...((region || endpoint) && { AWS_REGION: region ?? "us-east-1" }),
    ...(forcePathStyle !== undefined && { AWS_S3_FORCE_PATH_STYLE: String(forcePathStyle) }),
    ...(storageAccount && { AZURE_STORAGE_ACCOUNT: storageAccount }),
    // without it WAL-G uses the hex digits themselves as the key, and only the first half of them
    ...((encryption?.libsodiumKey || encryption?.secretName) && { WALG_LIBSODIUM_KEY_TRANSFORM: "hex" }),
  };
}

export function storeCredentials(given: BackupConfig["credentials"]): SecretValues | undefined {
  if (given?.secretName) return { secretName: given.secretName };
  return secrets({
    AWS_ACCESS_KEY_ID: given?.accessKeyId,
    AWS_SECRET_ACCESS_KEY: given?.secretAccessKey,
    AZURE_STORAGE_ACCESS_KEY: given?.storageAccessKey,
  });
}

export function encryptionKey(given: BackupConfig["encryption"]): SecretValues | undefined {
  if (given?.secretName) return { secretName: given.secretName };
  return secrets({
    WALG_PGP_KEY: given?.pgpKey,
    WALG_PGP_KEY_PASSPHRASE: given?.pgpPassphrase,
    WALG_LIBSODIUM_KEY: given?.libsodiumKey,
  });
}

/** The values that are set, as Pulumi secrets; undefined if none is. */
function secrets(plain: Readonly<Record<string, Secret | undefined>>): SecretValues | undefined {
  const set = Object.entries(plain).filter((entry): entry is [string, Secret] => entry[1] !== undefined);
  if (set.length === 0) return undefined;
  return { data: Object.fromEntries(set.map(([name, value]) => [name, pulumi.secret(value)])) };
}
