import type { Row } from "../effects";
import { isOurs, type Step } from "../step";
import { podRows } from "./pod";
import { below, type Context, guard, isMetadata, paths, type Rule, row, unknown } from "./rule";

const POD = ["spec", "template"];

/** The server. Any change of the template replaces its pod, and nothing else does. */
export const workload: Rule = (step, context) => {
  if (!isOurs(step)) return foreign(step);
  const replaced = "it can't change in place: the server is deleted and recreated";
  switch (step.operation) {
    case "create":
      return step.parent?.endsWith(`::${step.name}`) === false
        ? [
            unknown(
              step,
              "created",
              "a second server beside the first: two on one volume break the data",
              true,
            ),
          ]
        : [row(step, "created", "nothing", "a server that was not there before")];
    case "delete":
      return [row(step, "deleted", "REPLACES THE DATABASE", `the server goes away${guard(step)}`)];
    case "replace":
      return [row(step, paths(step), "REPLACES THE DATABASE", replaced + guard(step))];
    default:
      return updated(step, context);
  }
};

function updated(step: Step, context: Context): Row[] {
  const inPod = step.changes.filter(({ path }) => below(path, ...POD));
  const rows = podRows(
    step,
    inPod.map((change) => ({ ...change, path: change.path.slice(POD.length) })),
    context,
  );
  const rest = step.changes.filter(({ path }) => !below(path, ...POD) && !isMetadata(path));
  if (rest.length > 0) {
    const why = "not known for the server: it may stop, or not come back";
    rows.push(unknown(step, paths({ ...step, changes: rest }), why, true));
  }
  return rows.length > 0 ? rows : [row(step, paths(step), "nothing", "the pod's template is the same")];
}

/** A StatefulSet of another program: the review knows only that its pods restart. */
function foreign(step: Step): Row[] {
  const { operation, changes } = step;
  if (operation === "create") return [row(step, "created", "nothing", "it was not there before")];
  if (operation !== "update" || !changes.every(({ path }) => below(path, ...POD) || isMetadata(path)))
    return [unknown(step, paths(step), "not known for a StatefulSet that is not this product's", true)];
  return changes.some(({ path }) => below(path, ...POD))
    ? [row(step, paths(step), "restart", "its pods are replaced; how long that takes is not known")]
    : [row(step, paths(step), "nothing", "the pods' template is the same")];
}
