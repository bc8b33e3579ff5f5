import { compareQuantities } from "../../settings/quantity";
import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step } from "../step";
import { arrow } from "../words";
import { standardRows } from "./isolation";
import { below, guard, isActedOn, isMetadata, metadataAlone, paths, type Rule, row, unknown } from "./rule";

const OWNER = "postgres-stack/owner";
const SIZE = ["spec", "resources", "requests", "storage"];

/** A claim, of any program: it holds the data. */
export const claim: Rule = (step) => {
  switch (step.operation) {
    case "create":
      return [
        row(
          step,
          "created",
          "nothing",
          "a new volume; it is empty unless a claim of that name is there to be taken back",
        ),
      ];
    case "delete":
      return [gone(step, "deleted", "the claim is deleted, and with it the volume and its data")];
    case "replace":
      return [
        gone(
          step,
          paths(step),
          "it can't change in place: the claim is deleted with its data, and an empty one takes its place",
        ),
      ];
    default:
      return updated(step);
  }
};

/** A PersistentVolume: losing it loses the data. */
export const volume: Rule = (step) => {
  if (step.operation === "create") return [row(step, "created", "nothing", "a new volume")];
  if (step.operation === "delete" || step.operation === "replace")
    return [gone(step, paths(step), "the volume is given up")];
  const policy = step.changes.find(({ path }) => path.join(".") === "spec.persistentVolumeReclaimPolicy");
  if (policy?.before === "Retain") {
    const why = "whoever deletes the claim now deletes the volume with its data";
    return [
      row(
        step,
        arrow("persistentVolumeReclaimPolicy", policy.before, policy.after),
        "no longer protected",
        why,
      ),
    ];
  }
  return [unknown(step, paths(step), "what a change of a volume does depends on its driver", true)];
};

/** Deleting a namespace deletes everything in it. */
export const namespace: Rule = (step) => {
  if (step.operation === "create")
    return [row(step, "created", "nothing", "it is new, or taken over as it is")];
  const acted = step.operation === "update" ? step.changes.filter(isActedOn) : [];
  if (acted.length > 0) {
    const why =
      "others act on it: pods that start here get something beside them, or another node, or are refused";
    return [unknown(step, paths({ ...step, changes: acted }), why, true), ...standardRows(step)];
  }
  const weaker = step.operation === "update" ? standardRows(step) : [];
  if (weaker.length > 0 && metadataAlone(step.changes)) return weaker;
  if (step.operation === "update" && metadataAlone(step.changes))
    return [row(step, paths(step), "nothing", "labels and annotations alone")];
  if (step.retain && step.operation !== "update")
    return [row(step, paths(step), "nothing", `the old namespace is left alone${guard(step)}`)];
  if (step.operation === "update") return [unknown(step, paths(step), "not known for a namespace", true)];
  return [
    row(step, paths(step), "DELETES DATA", `everything in a namespace is deleted with it${guard(step)}`),
  ];
};

function gone(step: Step, change: string, why: string): Row {
  return step.retain
    ? row(step, change, "REPLACES THE DATABASE", `the server loses this volume${guard(step)}`)
    : row(step, change, "DELETES DATA", why + guard(step));
}

function updated(step: Step): Row[] {
  const size = step.changes.find(({ path }) => SIZE.join() === path.join());
  const owner = step.changes.find(({ path }) => below(path, "metadata", "annotations", OWNER));
  const rest = step.changes.filter(
    (change) => change !== size && change !== owner && !isMetadata(change.path),
  );
  const rows: Row[] = [];
  if (size) rows.push(resized(step, size));
  if (owner) {
    const why =
      "the claim is another stack's: the API server refuses to hand it over, and nothing is changed";
    rows.push(row(step, arrow("owner", owner.before, owner.after), "refused", why));
  }
  if (rest.length > 0)
    rows.push(unknown(step, paths({ ...step, changes: rest }), "not known to change in place", true));
  if (rows.length === 0) rows.push(row(step, paths(step), "nothing", "labels and annotations alone"));
  return rows;
}

function resized(step: Step, { before, after }: Change): Row {
  const change = arrow("size", before, after);
  if (
    typeof before !== "string" ||
    typeof after !== "string" ||
    [before, after].some((it) => it.startsWith("["))
  )
    return unknown(step, change, "the size is not known before the update", true);
  return compareQuantities(after, before) < 0
    ? row(step, change, "refused", "a claim never shrinks: the update stops before anything is changed")
    : row(
        step,
        change,
        "growth",
        "grows in place while the server runs, if the storage class allows expansion",
      );
}
