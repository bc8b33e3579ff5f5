import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { liveName } from "./configuration";
import { applicationSecret, SUPERUSER, superuserSecret } from "./credentials";
import { claimName, databaseSelector, headlessName, type Identity, labels, PORT, ROLE_LABEL } from "./names";
import type { PlacementArgs } from "./placement";
import { podPlacement } from "./placement";
import {
  claimMount,
  confMount,
  emptyDir,
  environment,
  type Mount,
  pgdata,
  restrictedContainer,
  restrictedPod,
  scratchMounts,
  secretFolder,
  secretMount,
} from "./pod";
import { probes } from "./probes";
import type { Request } from "./request";
import { refuseUnaskedUpgrade } from "./upgrade";

export interface WorkloadArgs {
  readonly image: pulumi.Input<string>;
  readonly major: number;
  /** Requests and limits are the same, so that the kubelet evicts this pod last. */
  readonly memory: string;
  readonly cpu: string;
  /** Size of `/dev/shm`; it counts against `memory`. */
  readonly sharedMemory: string;
  /** Time for checkpoint, fast shutdown and the last segment's archiving. */
  readonly gracePeriodSeconds: number;
  readonly role: string;
  readonly database: string;
  readonly placement: PlacementArgs;
  /** WAL-G's settings and credentials; none without backups. */
  readonly archive?: {
    readonly environment: Record<string, pulumi.Input<string>>;
    readonly mounts: readonly Mount[];
    readonly podLabels: Readonly<Record<string, string>>;
  };
  /** A restore, a clone or an upgrade, which the next boot carries out. */
  readonly request?: Request;
  /** When one of these changes, the pod restarts once. */
  readonly restartOn: Record<string, pulumi.Input<string>>;
}

/** The StatefulSet of one replica. Name, namespace, selector and serviceName are plain strings: nothing replaces it. */
export function createStatefulSet(
  identity: Identity,
  args: WorkloadArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.apps.v1.StatefulSet {
  const { name, namespace } = identity;
  const patience = `${args.request?.patienceMinutes ?? 30}m`;
  const podLabels = {
    ...labels(identity, "database"),
    [ROLE_LABEL]: "primary",
    ...args.archive?.podLabels,
  };
  return new k8s.apps.v1.StatefulSet(
    name,
    {
      metadata: { name, namespace, labels: labels(identity, "database") },
      spec: {
        replicas: 1,
        serviceName: headlessName(identity),
        selector: { matchLabels: databaseSelector(identity) },
        podManagementPolicy: "Parallel", // a pod that can't start is replaced by the next update; OrderedReady waits for it
        template: {
          metadata: { labels: podLabels, annotations: args.restartOn },
          spec: podSpec(identity, args),
        },
      },
    },
    {
      ...opts,
      customTimeouts: { create: patience, update: patience },
      hooks: { beforeUpdate: [refuseUnaskedUpgrade(name)] },
    },
  );
}

function podSpec(identity: Identity, args: WorkloadArgs): k8s.types.input.core.v1.PodSpec {
  const mounts = [
    ...scratchMounts(),
    emptyDir("shm", "/dev/shm", { medium: "Memory", sizeLimit: args.sharedMemory }),
    claimMount(claimName(identity), false),
    confMount(liveName(identity)),
    secretMount("superuser", superuserSecret(identity)),
    secretMount("app", applicationSecret(identity)),
    ...(args.archive?.mounts ?? []),
    ...(args.request?.mounts ?? []),
  ];
  const resources = { cpu: args.cpu, memory: args.memory };
  return {
    ...restrictedPod(identity, mounts),
    ...podPlacement(args.placement),
    terminationGracePeriodSeconds: args.gracePeriodSeconds,
    containers: [
      {
        ...restrictedContainer(mounts),
        name: "postgres",
        image: args.image,
        ports: [{ name: "postgres", containerPort: PORT }],
        env: environment({
          ...serverEnvironment(identity, args),
          ...args.archive?.environment,
          ...args.request?.environment,
        }),
        resources: { requests: resources, limits: resources },
        lifecycle: { preStop: { exec: { command: ["pre-stop.sh"] } } },
        ...probes(),
      },
    ],
  };
}

function serverEnvironment(
  identity: Identity,
  { major, role, database }: WorkloadArgs,
): Record<string, string> {
  return {
    PGDATA: pgdata(major),
    POSTGRES_USER: SUPERUSER,
    POSTGRES_PASSWORD_FILE: `${secretFolder("superuser")}/password`,
    APP_USER: role,
    APP_PASSWORD_FILE: `${secretFolder("app")}/password`,
    APP_DATABASE: database,
    VOLUME_OWNER: identity.owner,
  };
}
