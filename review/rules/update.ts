import type { Change } from "../diff";
import { isOurs, type Step } from "../step";
import { arrow, code, list } from "../words";
import { below, paths, type Rule, row, unknown } from "./rule";

/** An image that the update builds and pushes, and never deletes. The resource that runs it has its own row. */
export const image: Rule = (step) => {
  if (!isOurs(step)) return [unknown(step, paths(step), "what runs it is not known", false)];
  if (step.operation === "delete")
    return [row(step, "no longer built here", "nothing", "the image stays in the registry")];
  const build = step.changes.filter(({ path }) => below(path, "build", "args"));
  const words = build.map(({ path, before, after }) => arrow(path.at(-1) ?? "", before, after));
  const tag = step.changes.filter(({ path }) => path[0] === "imageName");
  const change = words.length > 0 ? words.join("; ") : "files of the image";
  if (step.operation === "update" && tag.length === 0)
    return [row(step, paths(step), "nothing", "built again from the same content")];
  return [
    ...build.filter(losesDigest).map(({ path, after }) => {
      const why = "each build may find another image under the tag, and no review sees it";
      return row(step, `${code(path.at(-1) ?? "")} by tag: ${code(String(after))}`, "floating image", why);
    }),
    row(step, step.operation === "create" ? "created" : change, "nothing", "built and pushed by the update"),
  ];
};

function losesDigest({ before, after }: Change): boolean {
  return (
    /@sha256:/.test(String(before)) &&
    typeof after === "string" &&
    !/@sha256:/.test(after) &&
    /\/|:/.test(after)
  );
}

/** The connection to the cluster. Another cluster replaces everything, and each replacement then has its own row. */
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

/** Known names (k8s/); an unknown new Job may do anything to the data. */
const KNOWN = /-(first-backup|admission|archive-check|apply|check|preflight|report|conf-nudge(-\w+)?)$/;

/** Objects that exist only for an update: candidate settings, checks, reports. The server uses none of them. */
export function isMachinery(step: Step): boolean {
  const { type, before, after } = step;
  if (!isOurs(step)) return false;
  if (MACHINERY.includes(type)) return step.operation === "delete" || KNOWN.test(step.name);
  return type === "kubernetes:core/v1:ConfigMap" && (before ?? after)?.immutable === true;
}
