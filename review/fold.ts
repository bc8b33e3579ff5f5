import { serverEnvironment } from "../k8s/inputs";
import type { Row } from "./effects";
import { abandoned, placeOf } from "./rules/archive";
import { isStandard } from "./rules/isolation";
import { weakenedRows } from "./rules/jobs";
import { isOrder } from "./rules/orders";
import { isActedOn, metadataAlone, paths, row, spared } from "./rules/rule";
import { isMachinery } from "./rules/update";
import { IMAGE, INSTANCE, isOurs, type Operation, type Step } from "./step";
import { list, resource } from "./words";

/** These always get their own row, because they hold the data. */
const KEPT_APART = [
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:core/v1:Namespace",
  "kubernetes:core/v1:PersistentVolumeClaim",
];

/** Annotations that others read: a cloud's load balancer and identities, the claim's owner. */
const READ_BY_OTHERS = [
  "kubernetes:core/v1:PersistentVolumeClaim",
  "kubernetes:core/v1:Service",
  "kubernetes:core/v1:ServiceAccount",
];

interface Folded {
  readonly rows: readonly Row[];
  /** The steps that need their own row. */
  readonly rest: readonly Step[];
}

type Fold = (steps: readonly Step[]) => Folded;

/** Folds steps that a reader wants on one line, so that the others stand out. */
export function fold(steps: readonly Step[]): Folded {
  return [wholeInstances, replacedServers, machinery, labelsAlone].reduce<Folded>(
    (folded, next: Fold) => {
      const { rows, rest } = next(folded.rest);
      return { rows: [...folded.rows, ...rows], rest };
    },
    { rows: [], rest: steps },
  );
}

/** Resources that are created or deleted with a whole instance. */
const wholeInstances: Fold = (steps) => {
  const rows: Row[] = [];
  const gone = new Set<Step>();
  for (const component of steps.filter(({ type }) => type === INSTANCE || type === IMAGE)) {
    const { operation, type, name } = component;
    gone.add(component);
    if (operation !== "create" && operation !== "delete") continue;
    const parts = partsOf(steps, `${type}::${name}`, operation, operation === "create");
    for (const part of parts) gone.add(part);
    if (type !== INSTANCE) continue;
    rows.push(INSTANCES[operation](name, parts.length));
    if (operation === "delete") rows.push(...archivesLeft(steps, `${type}::${name}`));
  }
  return { rows, rest: steps.filter((step) => !gone.has(step)) };
};

/** What happens to the archive of a deleted instance. */
function archivesLeft(steps: readonly Step[], parent: string): Row[] {
  const [server] = steps.filter((step) => step.parent === parent && step.type === KEPT_APART[0]);
  const prefix = placeOf(serverEnvironment(server?.before));
  if (server === undefined || prefix === "") return [];
  const why = `nothing is archived any more and no base backup is taken. ${abandoned(prefix)}: its backups are the last, and go when somebody removes them`;
  return spared(server, [row(server, "its archive is left alone", "backups end", why)]);
}

const INSTANCES: Record<"create" | "delete", (name: string, count: number) => Row> = {
  create: (name, count) => ({
    resource: `PostgresInstance ${name}`,
    change: `created: ${count} objects`,
    effect: "nothing",
    why: "a separate database, beside whatever exists",
  }),
  delete: (name, count) => ({
    resource: `PostgresInstance ${name}`,
    change: `deleted: ${count} objects beside its data`,
    effect: "disconnect",
    why: "its clients no longer find a server",
  }),
};

/** Resources that are replaced together with the server. */
const replacedServers: Fold = (steps) => {
  const rows: Row[] = [];
  const gone = new Set<Step>();
  const servers = steps.filter(
    (step) => isOurs(step) && step.type === KEPT_APART[0] && step.operation === "replace",
  );
  for (const server of servers) {
    const parts = partsOf(steps, server.parent, "replace", false);
    for (const part of parts) gone.add(part);
    if (parts.length === 0) continue;
    rows.push({
      resource: `${parts.length} objects around ${resource(server)}`,
      change: list(parts.map(resource)),
      effect: "disconnect",
      why: "they are replaced like the server; clients find it again under its new name or namespace",
    });
  }
  return { rows, rest: steps.filter((step) => !gone.has(step)) };
};

function partsOf(
  steps: readonly Step[],
  parent: string | undefined,
  operation: Operation,
  all: boolean,
): Step[] {
  return steps.filter(
    (step) =>
      step.parent === parent && step.operation === operation && (all || !KEPT_APART.includes(step.type)),
  );
}

/** What ends the update, by kind of check. */
const CHECKS: readonly (readonly [name: RegExp, what: string])[] = [
  [/-(check|candidate)$/, "a setting that PostgreSQL rejects on a scratch server"],
  [/-preflight$/, "a request that can't be met"],
];

/** Objects that exist only for the update. */
const machinery: Fold = (steps) => {
  const all = steps.filter((step) => isMachinery(step) && step.operation !== "unknown");
  const weaker = new Map(all.map((step) => [step, weakenedRows(step, steps)]));
  const found = all.filter((step) => weaker.get(step)?.length === 0);
  const told = all.flatMap((step) => spared(step, weaker.get(step) ?? []));
  if (found.length === 0) return { rows: told, rest: steps.filter((step) => !all.includes(step)) };
  const ends = CHECKS.filter(([name]) => found.some((step) => name.test(step.name))).map(([, what]) => what);
  const checked = ends.length > 0 ? `; ${list(ends)} ends the update here, before the server is touched` : "";
  const row: Row = {
    resource: `${found.length} ${found.length === 1 ? "object" : "objects"} of the update itself`,
    change: list(found.map(resource).sort()),
    effect: "nothing",
    why: `the server uses none of them${checked}`,
  };
  return { rows: [...told, row], rest: steps.filter((step) => !all.includes(step)) };
};

/** Labels of this product's objects that nobody reads. */
const labelsAlone: Fold = (steps) => {
  const found = steps.filter(
    (step) =>
      isOurs(step) &&
      step.operation === "update" &&
      metadataAlone(step.changes) &&
      !step.changes.some(isStandard) &&
      !step.changes.some(isOrder) &&
      !step.changes.some(isActedOn) &&
      (!READ_BY_OTHERS.includes(step.type) || step.changes.every(({ path }) => path[1] === "labels")),
  );
  const rows = [...new Set(found.map(paths))].map(
    (change): Row => ({
      resource: list(found.filter((step) => paths(step) === change).map(resource)),
      change,
      effect: "nothing",
      why: "labels and annotations alone",
    }),
  );
  return { rows, rest: steps.filter((step) => !found.includes(step)) };
};
