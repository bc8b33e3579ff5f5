import type { Major } from "../../settings/major";
import type { Change } from "../diff";
import { type Effect, isProtection, needsLeave, RESTART_SECONDS, type Row } from "../effects";
import { at, type Step } from "../step";
import { arrow, code, list, resource } from "../words";

/** What a rule knows besides its step. */
export interface Context {
  /** The major of the server that the step belongs to. */
  readonly major: Major;
  /** All steps of the update. */
  readonly steps: readonly Step[];
}

/** The effects on the database of a step on one kind of resource. */
export type Rule = (step: Step, context: Context) => readonly Row[];

export function row(step: Step, change: string, effect: Effect, why: string): Row {
  return { resource: resource(step), change, effect, why };
}

/** A restart: the pod is replaced once for all such rows of an update. */
export function restart(step: Step, change: string, why: string, effect: Effect = "restart"): Row {
  return { ...row(step, change, effect, why), seconds: RESTART_SECONDS };
}

/** An unknown effect, which needs leave if it may lose data. */
export function unknown(step: Step, change: string, why: string, data: boolean): Row {
  return { ...row(step, change, "unknown", why), data };
}

/** A row that is only reported and needs no leave. */
export function mild(told: Row): Row {
  return { ...told, mild: true };
}

/** For a disposable stack, less protection is only reported and needs no leave. */
export function spared(step: Step, rows: readonly Row[]): Row[] {
  const known = [step.before, step.after].filter((inputs) => inputs !== undefined);
  const disposable = known.every((inputs) => at(inputs, "metadata", "labels", DISPOSABLE) === "true");
  if (known.length === 0 || !disposable) return [...rows];
  return rows.map((told) =>
    (isProtection(told) || told.effect === "may not serve") && needsLeave(told)
      ? mild({ ...told, why: `${told.why}; the stack is disposable` })
      : told,
  );
}

/** The label of a disposable stack's objects (k8s/names.ts). */
const DISPOSABLE = "postgres-stack/disposable";

/** A request that is no longer in the stack's file. */
export function withdrawn(step: Step, change: string): Row {
  const why = "the request is gone from the stack, without another effect; the pod is replaced";
  return restart(step, change, why);
}

/** The step's changed paths, without values: those of other programs may be secrets. */
export function paths({ operation, changes, replacedBy }: Step): string {
  if (operation === "create") return "created";
  if (operation === "delete") return "deleted";
  const verb = { replace: "replaced", update: "updated", unknown: "changed in an unknown way" }[operation];
  const all =
    operation === "replace" && replacedBy.length > 0 ? replacedBy : changes.map(({ path }) => path.join("."));
  const most = all.slice(0, 5).map(code);
  return all.length === 0
    ? verb
    : `${verb}: ${list(all.length > 5 ? [...most, `${all.length - 5} more`] : most)}`;
}

/** Whether a path starts with the given keys. */
export function below(path: readonly string[], ...keys: string[]): boolean {
  return keys.every((key, i) => path[i] === key);
}

/** Labels and annotations of the object itself. */
export function isMetadata(path: readonly string[]): boolean {
  return below(path, "metadata", "labels") || below(path, "metadata", "annotations");
}

/** Whether only labels and annotations of the object itself change. */
export function metadataAlone(changes: readonly Change[]): boolean {
  return changes.length > 0 && changes.every(({ path }) => isMetadata(path));
}

/** Labels and annotations by which other controllers inject into a pod, loosen its confinement, or choose its node. */
const ACTED_ON =
  /inject|istio|linkerd|kuma\.io|apparmor|seccomp|node-selector|defaultTolerations|openshift\.io\/(sa\.)?scc/;

/** Whether a label or an annotation has an effect beyond information. */
export function isActedOn({ path }: Pick<Change, "path">): boolean {
  const name = path.at(-1) ?? "";
  return ["labels", "annotations"].includes(path.at(-2) ?? "") && ACTED_ON.test(name);
}

/** The server of the instance that a step belongs to, if the update touches it. */
export function serverOf({ parent }: Step, steps: readonly Step[]): Step | undefined {
  return steps.find((it) => it.type === "kubernetes:apps/v1:StatefulSet" && it.parent === parent);
}

/** The end of a sentence about a resource that Pulumi protects or retains. */
export function guard({ protect, retain }: Step): string {
  const refuses = protect
    ? "; it is protected, so `pulumi up` refuses and changes nothing until somebody unprotects it"
    : "";
  return `${retain ? "; the object itself stays in the cluster, outside of the stack" : ""}${refuses}`;
}

/** The stack's key for each variable of the environment. */
const NAMES: Readonly<Record<string, string>> = {
  APP_DATABASE: "access.database",
  APP_USER: "access.role",
  ARCHIVE_DEADLINE: "backup.archiveDeadline",
  ARCHIVE_TIMEOUT: "backup.archiveTimeout",
  BACKUP_RETAIN: "backup.retain",
  PG_REINDEX_COLLATIONS: "upgrade.reindexCollations",
  PG_UPGRADE: "upgrade.id",
  PG_UPGRADE_BACKUP_MAX_AGE: "upgrade.backupMaxAge",
  PG_UPGRADE_FORCE: "upgrade.force",
  PG_UPGRADE_KEEP_OLD: "upgrade.keepOld",
  PG_UPGRADE_MODE: "upgrade.mode",
  PG_UPGRADE_UNDO: "upgrade.undo",
  WALG_AZ_PREFIX: "backup.prefix",
  WALG_FILE_PREFIX: "backup.prefix",
  WALG_GS_PREFIX: "backup.prefix",
  WALG_S3_PREFIX: "backup.prefix",
};

/** A change of a container's variable, under the stack's key if it has one. */
export function variable({ path, before, after }: Change): string {
  const name = path.at(-1) ?? "";
  return arrow(NAMES[name] ?? name, before, after);
}
