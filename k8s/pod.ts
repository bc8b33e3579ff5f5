import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { clientHost, type Identity, PORT, SUPERUSER, superuserSecret } from "./names";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type Volume = k8s.types.input.core.v1.Volume;
type VolumeMount = k8s.types.input.core.v1.VolumeMount;
type EnvVar = k8s.types.input.core.v1.EnvVar;

/** A volume with its mount path. */
export interface Mount {
  readonly volume: Volume;
  readonly mount: VolumeMount;
}

/** What one file adds to the server's pod. */
export interface ServerPart {
  readonly mounts?: readonly Mount[];
  /** Variables of the server's container. */
  readonly environment?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Sidecars of the server's container. */
  readonly containers?: readonly Container[];
  readonly podLabels?: Readonly<Record<string, string>>;
  /** Annotations of the pod: a change restarts the server once. */
  readonly restartOn?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Resources that must exist before the pod. */
  readonly needs?: readonly pulumi.Resource[];
}

/** User and group `postgres` of the official image. */
const POSTGRES_ID = 999;

/** The major's data directory, as in the official image since 18. */
export const pgdata = (major: number): string => `${VOLUME_ROOT}/${major}/docker`;
export const VOLUME_ROOT = "/var/lib/postgresql";

/**
 * The common part of all our pods, which passes Pod Security `restricted`. All pods use the instance's ServiceAccount, so
 * whatever a team attaches to it reaches all of them.
 */
export function restrictedPod({ name }: Identity, mounts: readonly Mount[]): Partial<PodSpec> {
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false, // a Service called "postgres" would set POSTGRES_* in the environment
    securityContext: {
      runAsNonRoot: true,
      runAsUser: POSTGRES_ID,
      runAsGroup: POSTGRES_ID,
      fsGroup: POSTGRES_ID,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumes: mounts.map(({ volume }) => volume),
  };
}

/** The container's part of {@link restrictedPod}. */
export function restrictedContainer(mounts: readonly Mount[]): Partial<Container> {
  return {
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: mounts.map(({ mount }) => mount),
  };
}

/** For a job beside the server: requests almost nothing, but sets both limits because a quota may demand them. */
export function jobResources(memory: string): k8s.types.input.core.v1.ResourceRequirements {
  return { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory } };
}

/** Folders that the image writes to, apart from the data; those with credentials stay in memory. */
export function scratchMounts(): Mount[] {
  return [
    emptyDir("tmp", "/tmp"),
    emptyDir("sockets", "/var/run/postgresql"),
    emptyDir("run", "/run/postgres-stack", { medium: "Memory", sizeLimit: "16Mi" }),
  ];
}

export function emptyDir(
  name: string,
  mountPath: string,
  options: { medium?: string; sizeLimit?: string } = {},
): Mount {
  return { volume: { name, emptyDir: options }, mount: { name, mountPath } };
}

export function claimMount(claimName: string, readOnly: boolean): Mount {
  return {
    volume: { name: "data", persistentVolumeClaim: { claimName } },
    mount: { name: "data", mountPath: VOLUME_ROOT, readOnly },
  };
}

export function secretMount(name: string, secretName: pulumi.Input<string>): Mount {
  return {
    volume: { name, secret: { secretName, defaultMode: 0o440 } },
    mount: { name, mountPath: secretFolder(name), readOnly: true },
  };
}

export const secretFolder = (name: string): string => `/run/secrets/postgres-stack/${name}`;

export function confMount(configMapName: pulumi.Input<string>): Mount {
  return {
    volume: { name: "conf", configMap: { name: configMapName } },
    mount: { name: "conf", mountPath: "/etc/postgresql/conf.d", readOnly: true },
  };
}

/** A container's environment from plain values, sorted because a different order would be a change. */
export function environment(values: Record<string, pulumi.Input<string>>): EnvVar[] {
  return Object.keys(values)
    .sort()
    .map((name) => ({ name, value: values[name] }));
}

/** For jobs that connect through the client Service as the superuser, with the password in a file. */
export function superuserClient(identity: Identity): { mount: Mount; environment: Record<string, string> } {
  return {
    mount: secretMount("superuser", superuserSecret(identity)),
    environment: {
      PGHOST: clientHost(identity),
      PGPORT: String(PORT),
      PGUSER: SUPERUSER,
      PGPASSWORD_FILE: `${secretFolder("superuser")}/password`,
    },
  };
}
