import { type Resource, type Tree, UNKNOWN } from "./policy";

/** What an object of postgres-stack carries whose data goes with its stack; elsewhere: what a team agrees that it means. */
export const DISPOSABLE_LABEL = "postgres-stack/disposable";

/** Labels by which a database is found, whoever made it: Kubernetes' recommended ones. */
export const DATABASE_LABELS = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
};

/** Where a kind keeps its pod. */
const POD_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  DaemonSet: ["spec", "template"],
  Deployment: ["spec", "template"],
  Job: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  StatefulSet: ["spec", "template"],
};

/** The kind of a Kubernetes object; undefined for resources of other providers. */
export function kindOf({ type }: Resource): string | undefined {
  return /^kubernetes:[^:]+:(\w+)$/.exec(type)?.[1];
}

/** A value below another; undefined where there is none, {@link UNKNOWN} where a part of the way is unknown. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (found === UNKNOWN || found === undefined || found === null) return found ?? undefined;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found ?? undefined;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items of a list; none where it is missing or unknown. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The pod's spec of an object that has one. */
export function podSpecOf(resource: Resource): Tree | undefined {
  const path = POD_PATHS[kindOf(resource) ?? ""];
  const spec = path && at(resource.props, ...path, "spec");
  return isTree(spec) ? spec : undefined;
}

export interface Container {
  /** `container backup`, for messages. */
  readonly title: string;
  readonly spec: Tree;
}

export function containersOf(resource: Resource): Container[] {
  const pod = podSpecOf(resource);
  return ["initContainers", "containers"]
    .flatMap((key) => listAt(pod, key))
    .filter(isTree)
    .map((spec) => ({ title: `container ${String(spec.name)}`, spec }));
}

/** A container's variable that is given as text. */
export function variable(container: Container, name: string): unknown {
  const entry = listAt(container.spec, "env").find((it) => at(it, "name") === name);
  return at(entry, "value");
}

export function hasLabels(resource: Resource, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(
    ([name, value]) => at(resource.props, "metadata", "labels", name) === value,
  );
}

export function isDisposable(resource: Resource): boolean {
  return hasLabels(resource, { [DISPOSABLE_LABEL]: "true" });
}
