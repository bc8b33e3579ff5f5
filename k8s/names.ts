/** Names of an instance and its objects: plain strings, known before anything exists. */
export interface Identity {
  /** Name of the instance, and prefix of its objects' names. */
  readonly name: string;
  readonly namespace: string;
  /** `<project>/<stack>/<namespace>/<name>`: recorded on the claim and the volume, so that no other stack takes them. */
  readonly owner: string;
  /** Data is deleted with the stack. */
  readonly disposable: boolean;
}

/** Labels of every object of the instance; policies read the last one. */
export function labels(
  { name, disposable }: Identity,
  component: "database" | "job" | "backup",
): Record<string, string> {
  return {
    "app.kubernetes.io/name": "postgres",
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/managed-by": "postgres-stack",
    ...(disposable ? { "postgres-stack/disposable": "true" } : {}),
  };
}

/** Selects only the database's pods. Part of the StatefulSet's identity, so it never changes. */
export function databaseSelector({ name }: Identity): Record<string, string> {
  return { "app.kubernetes.io/instance": name, "app.kubernetes.io/component": "database" };
}

/** Label of the pod that accepts writes. The client Service selects by it, so a later failover only moves the label. */
export const ROLE_LABEL = "postgres-stack/role";

/** The client Service's host name, valid in other namespaces too. */
export const clientHost = ({ name, namespace }: Identity): string => `${name}.${namespace}.svc`;

export const claimName = ({ name }: Identity): string => `${name}-data`;
export const headlessName = ({ name }: Identity): string => `${name}-headless`;

export const SUPERUSER = "postgres";
export const superuserSecret = ({ name }: Identity): string => `${name}-superuser`;

export const PORT = 5432;
