import { type Resource, type Tree, UNKNOWN } from "./policy";

/** Marks objects of a postgres-stack whose data are deleted with the stack; other programs may use it with the same meaning. */
export const DISPOSABLE_LABEL = "postgres-stack/disposable";

/** Kubernetes' recommended labels identify a database, whatever program created it. */
export const DATABASE_LABELS = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
};

/** The path of the pod template by kind. */
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

/** A value at a path; undefined if there is none, {@link UNKNOWN} if a part of the path is unknown. */
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

/** The items of a list; empty if it is missing or unknown. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The pod spec of an object, if it has one. */
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

/** A container's variable with a literal value. */
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
