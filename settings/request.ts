import { encryptionKey, storeCredentials, storeEnvironment } from "./backup";
import type { Major } from "./major";
import { PREFIX_VARIABLES, storeOf } from "./prefix";
import { bytes } from "./quantity";
import type { CloneConfig, StackConfig } from "./schema";
import type { RequestSettings } from "./settings";

type Asked = Omit<RequestSettings, "patienceMinutes">;

/** A stack's request, as the container reads it: a restore, a clone or an upgrade, with or without a reindexing. */
export function requestSettings(config: StackConfig): RequestSettings | undefined {
  const asked = oneOf(config);
  const reindexes = config.upgrade?.reindexCollations ?? false;
  if (asked === undefined && !reindexes) return undefined;
  return {
    ...asked,
    environment: { ...asked?.environment, ...(reindexes && { PG_REINDEX_COLLATIONS: "true" }) },
    patienceMinutes: patience(config.dataSize),
  };
}

function oneOf({ restore, cloneFrom, upgrade, postgres }: StackConfig): Asked | undefined {
  if (restore) return restoring(restore, postgres.version);
  if (cloneFrom) return cloning(cloneFrom, postgres.version);
  return upgrade?.id === undefined ? undefined : upgrading(upgrade.id, upgrade);
}

function restoring(restore: NonNullable<StackConfig["restore"]>, major: Major): Asked {
  const { id, to = "", from, backup = "", timeline = "", keepOld, undo, force } = restore;
  return {
    command: "restore.sh",
    environment: filled({
      RESTORE_ID: id,
      RESTORE_TO: to,
      RESTORE_FROM: from ? withMajor(from, major) : "",
      RESTORE_BACKUP: backup,
      RESTORE_TIMELINE: String(timeline),
      RESTORE_KEEP_OLD: keepOld ? "" : "false",
      RESTORE_UNDO: undo ? "true" : "",
      RESTORE_FORCE: force ? "true" : "",
    }),
  };
}

function cloning(cloneFrom: CloneConfig, major: Major): Asked {
  const source = Object.entries(storeEnvironment(cloneFrom)).map(([name, value]) => [`CLONE_${name}`, value]);
  return {
    command: "restore.sh",
    environment: {
      CLONE_FROM: withMajor(cloneFrom.prefix, major),
      CLONE_TO: cloneFrom.to,
      ...(cloneFrom.timeline !== undefined && { CLONE_TIMELINE: String(cloneFrom.timeline) }),
      ...Object.fromEntries(source),
    },
    source: {
      variable: PREFIX_VARIABLES[storeOf(cloneFrom.prefix) ?? "s3"],
      credentials: storeCredentials(cloneFrom.credentials),
      encryption: encryptionKey(cloneFrom.encryption),
    },
  };
}

function upgrading(id: string, upgrade: NonNullable<StackConfig["upgrade"]>): Asked {
  const { mode = "link", keepOld, backupMaxAge = 3600, undo, force } = upgrade;
  return {
    command: "upgrade.sh",
    environment: filled({
      PG_UPGRADE: id,
      PG_UPGRADE_MODE: mode,
      PG_UPGRADE_KEEP_OLD: keepOld ? "true" : "",
      PG_UPGRADE_BACKUP_MAX_AGE: String(backupMaxAge),
      PG_UPGRADE_UNDO: undo ? "true" : "",
      PG_UPGRADE_FORCE: force ? "true" : "",
    }),
  };
}

/** An archive's folder for one major: the output `backupPrefix` includes the major, a stack's `backup.prefix` does not. */
export function withMajor(prefix: string, major: number): string {
  const trimmed = prefix.replace(/\/+$/, "");
  return majorOf(trimmed) === undefined ? `${trimmed}/${major}` : trimmed;
}

/** The major at the end of a prefix; undefined if there is none. */
export function majorOf(prefix: string): number | undefined {
  const [, major] = /\/(\d{1,2})\/*$/.exec(prefix) ?? [];
  return major === undefined ? undefined : Number(major);
}

/**
 * Minutes that an update waits for the server to become ready: 30, plus five for each GiB of `dataSize` (3.4 MiB/s to fetch,
 * replay and verify a restore, for the base backup before an upgrade and its copy, or to reindex). The request itself has no
 * deadline, only a stall timeout.
 */
function patience(dataSize: string): number {
  return 30 + 5 * Math.ceil(bytes(dataSize) / 2 ** 30);
}

function filled(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}
