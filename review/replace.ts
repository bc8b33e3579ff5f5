import type { RenderedResource } from "../render/record";

/**
 * Paths that a provider can't change in place, so that it replaces the object (pulumi-kubernetes 4.32.0,
 * provider/pkg/provider/diff.go). A change of name or namespace also replaces any Kubernetes object.
 */
const FORCE_NEW: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:apps/v1:DaemonSet": ["spec.selector"],
  "kubernetes:apps/v1:Deployment": ["spec.selector"],
  "kubernetes:apps/v1:StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "kubernetes:batch/v1:Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "kubernetes:core/v1:PersistentVolumeClaim": [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeName",
  ],
  "kubernetes:core/v1:Secret": ["type"],
  "kubernetes:core/v1:Service": ["spec.clusterIP"],
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": ["roleRef"],
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": ["roleRef"],
  "kubernetes:storage.k8s.io/v1:StorageClass": ["parameters", "provisioner"],
};

/** Content that forces a replacement if the object is immutable. */
const CONTENT: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:core/v1:ConfigMap": ["data", "binaryData"],
  "kubernetes:core/v1:Secret": ["data", "stringData"],
};

/** Whether a change at this path replaces the object. */
export function forcesNew(
  { type, inputs, options }: RenderedResource,
  path: readonly string[],
  mutable: boolean,
): boolean {
  if (path[0] === "options") return false;
  if (covered(options.replaceOnChanges, path)) return true;
  if (/^random:/.test(type)) return true; // pulumi-random: every input of every resource
  const fixed = mutable && inputs.immutable !== true;
  const paths = [...(FORCE_NEW[type] ?? []), ...(fixed ? [] : (CONTENT[type] ?? []))];
  if (type.startsWith("kubernetes:")) paths.push("metadata.name", "metadata.namespace");
  const text = path.join(".");
  return paths.some((prefix) => text === prefix || text.startsWith(`${prefix}.`));
}

/** Whether the provider ignores a change: push credentials are not part of an image (pulumi-docker 5.2.0). */
export function ignored(type: string, path: readonly string[]): boolean {
  return type === "docker:index/image:Image" && /^registry\.(username|password)$/.test(path.join("."));
}

/** Whether a pattern of an option (`spec.ports[0]`, `["a.b"].c`, `spec.*`) covers a change, or something around it. */
export function covered(patterns: readonly string[], path: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const keys = [...pattern.matchAll(/\["([^"]*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g)].map(
      (it) => it[1] ?? it[2] ?? it[3],
    );
    // list elements are keyed by name here, so a number in a pattern matches any
    return keys.every(
      (key, i) => i < path.length && (key === "*" || /^\d+$/.test(key ?? "") || key === path[i]),
    );
  });
}
