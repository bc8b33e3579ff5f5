import type { Change } from "../diff";
import { isOurs, type Step } from "../step";
import { arrow, code, list } from "../words";
import { below, isMetadata, paths, type Rule, row, unknown, variable } from "./rule";

const JOB = ["spec", "jobTemplate", "spec", "template", "spec", "containers", "backup"];

/** The schedule of base backups: the server does not notice. */
export const schedule: Rule = (step) => {
  const { operation, changes } = step;
  if (operation === "create")
    return [row(step, "created", "nothing", "base backups are taken beside the server")];
  if (!isOurs(step)) return [unknown(step, paths(step), "what it does is not known", false)];
  if (operation === "delete") return [row(step, "deleted", "nothing", "no base backup is taken any more")];
  if (operation !== "update")
    return [row(step, paths(step), "nothing", "made anew; a base backup that runs is cut off")];
  const words = changes.filter(({ path }) => !isMetadata(path)).map(inWords);
  const why = changes.some(isLowerRetention)
    ? "after its next base backup, older ones than that are deleted from the archive"
    : "counts from the next base backup on";
  return [row(step, words.length > 0 ? words.join("; ") : paths(step), "nothing", why)];
};

function inWords(change: Change): string {
  const { path, before, after } = change;
  if (path.join(".") === "spec.schedule") return arrow("backup.schedule", before, after);
  if (below(path, ...JOB, "env")) return variable(change);
  if (below(path, ...JOB, "image")) return "the server's new image";
  return arrow((below(path, ...JOB) ? path.slice(JOB.length) : path).join("."), before, after);
}

function isRetention(path: readonly string[]): boolean {
  return below(path, ...JOB, "env", "BACKUP_RETAIN");
}

function isLowerRetention({ path, before, after }: Change): boolean {
  return isRetention(path) && Number(after) < Number(before);
}

/** An image: built and pushed by the update, and never deleted. What runs it has a line of its own. */
export const image: Rule = (step) => {
  if (!isOurs(step)) return [unknown(step, paths(step), "who runs it is not known", false)];
  if (step.operation === "delete")
    return [row(step, "no longer built here", "nothing", "the image stays in the registry")];
  const build = step.changes.filter(({ path }) => below(path, "build", "args"));
  const words = build.map(({ path, before, after }) => arrow(path.at(-1) ?? "", before, after));
  const tag = step.changes.filter(({ path }) => path[0] === "imageName");
  const change = words.length > 0 ? words.join("; ") : "files of the image";
  if (step.operation === "update" && tag.length === 0)
    return [row(step, paths(step), "nothing", "built again from the same content")];
  return [
    row(step, step.operation === "create" ? "created" : change, "nothing", "built and pushed by the update"),
  ];
};

/** The connection to the cluster. Another cluster replaces everything, and then that is said line by line. */
export const provider: Rule = (step) => {
  const words = `changed: ${list(step.changes.map(({ path }) => code(path.join("."))))}`;
  switch (step.operation) {
    case "create":
      return [row(step, "created", "nothing", "another connection to the cluster")];
    case "delete":
      return [row(step, "deleted", "nothing", "nothing uses it any more")];
    case "update":
      return [row(step, words, "nothing", "to the provider it is the same cluster")];
    case "replace":
      return [unknown(step, words, "another cluster: what depends on it is replaced", true)];
    default:
      return [
        unknown(step, words, "only a preview of the stack can tell whether that is the same cluster", true),
      ];
  }
};

const MACHINERY = ["kubernetes:batch/v1:Job", "kubernetes:core/v1:Pod", "kubernetes:core/v1:PodPatch"];

/** Objects that exist for an update alone: candidates of settings, checks, reports. The server uses none of them. */
export function isMachinery(step: Step): boolean {
  const { type, before, after } = step;
  if (!isOurs(step)) return false;
  if (MACHINERY.includes(type)) return true;
  return type === "kubernetes:core/v1:ConfigMap" && (after ?? before)?.immutable === true;
}
