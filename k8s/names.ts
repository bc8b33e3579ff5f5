/** Where an instance lives and what its objects are called: plain strings, known before anything exists. */
export interface Identity {
  /** Name of the instance; the names of its objects begin with it. */
  readonly name: string;
  readonly namespace: string;
  /** `<project>/<stack>/<namespace>/<name>`: written on the claim and on the volume, so that no other stack takes them. */
  readonly owner: string;
  /** The data goes with the stack. */
  readonly disposable: boolean;
}

/** What every object of the instance carries; policies read the last one. */
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

/** Finds the database's pods and no others; part of the StatefulSet's identity, so it never changes. */
export function databaseSelector({ name }: Identity): Record<string, string> {
  return { "app.kubernetes.io/instance": name, "app.kubernetes.io/component": "database" };
}

/** On the pod that takes writes; the client Service selects by it, so that a later failover only moves the label. */
export const ROLE_LABEL = "postgres-stack/role";

/** Host name of the client Service as other namespaces reach it. */
export const clientHost = ({ name, namespace }: Identity): string => `${name}.${namespace}.svc`;

export const claimName = ({ name }: Identity): string => `${name}-data`;
export const headlessName = ({ name }: Identity): string => `${name}-headless`;

export const SUPERUSER = "postgres";
export const superuserSecret = ({ name }: Identity): string => `${name}-superuser`;

export const PORT = 5432;
