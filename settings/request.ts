import { encryptionKey, storeCredentials, storeEnvironment } from "./backup";
import { PREFIX_VARIABLES, storeOf } from "./prefix";
import { bytes } from "./quantity";
import type { StackConfig } from "./schema";
import type { RequestSettings } from "./settings";

/** The restore or the clone that a stack asks for, as the container reads it. */
export function requestSettings(config: StackConfig): RequestSettings | undefined {
  const { restore, cloneFrom, postgres, dataSize } = config;
  const patienceMinutes = patience(dataSize);
  if (restore) {
    const { id, to = "", from, backup = "", timeline = "", keepOld, undo } = restore;
    return {
      title: `restore ${id}`,
      patienceMinutes,
      environment: filled({
        RESTORE_ID: id,
        RESTORE_TO: to,
        RESTORE_FROM: from ? withMajor(from, postgres.version) : "",
        RESTORE_BACKUP: backup,
        RESTORE_TIMELINE: String(timeline),
        RESTORE_KEEP_OLD: keepOld ? "" : "false",
        RESTORE_UNDO: undo ? "true" : "",
      }),
    };
  }
  if (!cloneFrom) return undefined;
  const source = Object.entries(storeEnvironment(cloneFrom)).map(([name, value]) => [`CLONE_${name}`, value]);
  return {
    title: "clone",
    patienceMinutes,
    environment: {
      CLONE_FROM: withMajor(cloneFrom.prefix, postgres.version),
      CLONE_TO: cloneFrom.to,
      ...Object.fromEntries(source),
    },
    source: {
      variable: PREFIX_VARIABLES[storeOf(cloneFrom.prefix) ?? "s3"],
      credentials: storeCredentials(cloneFrom.credentials),
      encryption: encryptionKey(cloneFrom.encryption),
    },
  };
}

/** An archive's folder of one major: the output `backupPrefix` has it, a stack's `backup.prefix` has not. */
export function withMajor(prefix: string, major: number): string {
  const trimmed = prefix.replace(/\/+$/, "");
  return majorOf(trimmed) === undefined ? `${trimmed}/${major}` : trimmed;
}

/** The major at a prefix's end, if there is one. */
export function majorOf(prefix: string): number | undefined {
  const [, major] = /\/(\d{1,2})\/*$/.exec(prefix) ?? [];
  return major === undefined ? undefined : Number(major);
}

/**
 * Minutes that an update waits for the server to be ready again: half an hour, and five minutes for each GiB of `dataSize`
 * (3.4 MiB/s for fetching, replaying and verifying). The restore itself has no deadline, only its standstill.
 */
function patience(dataSize: string): number {
  return 30 + 5 * Math.ceil(bytes(dataSize) / 2 ** 30);
}

function filled(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}
