import { storeOf } from "../prefix";
import { majorOf, withMajor } from "../request";
import type { StackConfig } from "../schema";
import { storeRules } from "./backup";
import { type Rule, unless } from "./rule";

/** A restore reads the stack's own kind of store. A clone, which only fills an empty volume, may read any accessible store. */
export const requestRules: readonly Rule[] = [
  ...storeRules("cloneFrom"),
  {
    needs: ["restore", "cloneFrom"],
    check: ({ restore, cloneFrom }) =>
      unless(
        !restore || !cloneFrom,
        "cloneFrom",
        "can't be combined with restore (a clone only fills an empty volume, and happened before: leave it out)",
      ),
  },
  {
    needs: ["restore", "backup"],
    check: ({ restore, backup }) =>
      unless(
        !restore || backup !== undefined,
        "restore",
        "needs backup (there is no archive to restore from)",
      ),
  },
  {
    needs: ["restore.to", "restore.undo"],
    check: ({ restore }) =>
      unless(
        !restore || restore.undo || restore.to !== undefined,
        "restore.to",
        "is missing (latest, a time with its zone in quotes, {lsn}, {xid} or {name}; or undo: true)",
      ),
  },
  {
    needs: ["restore.from", "backup.prefix"],
    check: ({ restore, backup }) =>
      unless(
        !restore?.from || !backup || storeOf(restore.from) === storeOf(backup.prefix),
        "restore.from",
        "is another kind of store than backup.prefix (it is read with the same credentials; a new stack can clone it)",
      ),
  },
  { needs: ["restore.from"], check: (config) => sameMajor(config, "restore.from", config.restore?.from) },
  {
    needs: ["cloneFrom.prefix"],
    check: (config) => sameMajor(config, "cloneFrom.prefix", config.cloneFrom?.prefix),
  },
  {
    needs: ["cloneFrom.prefix"],
    check: ({ cloneFrom }) =>
      unless(
        !cloneFrom || storeOf(cloneFrom.prefix) !== "file",
        "cloneFrom.prefix",
        "is a folder on a volume that is still empty (s3://, gs:// or azure://)",
      ),
  },
  {
    needs: ["cloneFrom.prefix", "backup.prefix", "disposable"],
    check: ({ cloneFrom, backup, disposable, postgres: { version } }) =>
      unless(
        !cloneFrom ||
          !backup ||
          disposable ||
          withMajor(cloneFrom.prefix, version) !== withMajor(backup.prefix, version),
        "cloneFrom.prefix",
        "is this stack's own archive (a clone archives below a prefix of its own; what was lost comes back by restore)",
      ),
  },
];

function sameMajor({ postgres: { version } }: StackConfig, path: string, prefix: string | undefined) {
  const major = prefix === undefined ? undefined : majorOf(prefix);
  return unless(
    major === undefined || major === version,
    path,
    `is an archive of PostgreSQL ${major} (only one of ${version} can be read)`,
  );
}
