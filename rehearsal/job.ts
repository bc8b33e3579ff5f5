/** The Job of a rehearsal, derived from the server's pod: same node selection, limits, credentials and settings, other data. */
import { majorOfData, serverEnvironment } from "../k8s/inputs";

/** The part of a StatefulSet's `kubectl get -o json` that a rehearsal needs. */
export interface Server {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly template: { readonly metadata: Labelled; readonly spec: PodSpec } };
}
/** The same for a claim. */
export interface Claim {
  readonly spec: {
    readonly storageClassName?: string;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}
interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}
interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly affinity?: { readonly nodeAffinity?: unknown };
  readonly [more: string]: unknown;
}
interface Container {
  readonly image: string;
  readonly env: readonly Variable[];
  readonly volumeMounts: unknown;
  readonly securityContext: unknown;
  readonly resources: unknown;
}
interface Variable {
  readonly name: string;
  readonly value?: string;
}

export interface Rehearsal {
  /** Identifies the rehearsal: a few lower-case letters and digits. */
  readonly id: string;
  readonly to: number;
  /** Image of the major `to`. */
  readonly image: string;
}

/** Names of the two containers, in execution order. */
export const CLONE = "clone";
export const UPGRADE = "upgrade";

/** Label of all objects of one rehearsal, with the rehearsal's id. */
export const REHEARSAL_LABEL = "postgres-stack/rehearsal";

/** Variables of the stack's requests, which a rehearsal replaces with its own. */
const REQUESTS = /^(RESTORE_|CLONE_|PG_UPGRADE|PG_REINDEX_COLLATIONS)/;

/** Fields copied from the server's pod. Not the priority, so that a rehearsal preempts no other pod. */
const SAME = [
  "automountServiceAccountToken",
  "enableServiceLinks",
  "imagePullSecrets",
  "nodeSelector",
  "securityContext",
  "serviceAccountName",
  "tolerations",
];

/**
 * The Job: the server's image clones its archive into a volume that lives as long as the pod, then the next major's image
 * upgrades that clone. Kubernetes removes the Job ten minutes after its end, if nobody else has.
 */
export function rehearsalJob(server: Server, claim: Claim, { id, to, image }: Rehearsal) {
  const { template } = server.spec;
  const [container] = template.spec.containers;
  if (container === undefined) throw new Error("the server's pod has no container");
  const labels = { ...ownLabels(template.metadata.labels), [REHEARSAL_LABEL]: id };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: `${server.metadata.name}-rehearsal-${id}`,
      namespace: server.metadata.namespace,
      labels,
    },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: 24 * 3600,
      ttlSecondsAfterFinished: 600,
      template: {
        metadata: { labels },
        spec: {
          ...Object.fromEntries(SAME.map((key) => [key, template.spec[key]])),
          affinity: awayFrom(template.metadata.labels, template.spec.affinity?.nodeAffinity),
          restartPolicy: "Never",
          volumes: template.spec.volumes.map((volume) =>
            volume.name === "data" ? scratchVolume(claim, labels) : volume,
          ),
          initContainers: [step(container, CLONE, "--clone-for-rehearsal", majorOf(server), container.image)],
          containers: [step(container, UPGRADE, "--rehearse", to, image)],
        },
      },
    },
  };
}

/** The major that the server runs. */
export function majorOf(server: Server): number {
  const major = majorOfData(serverEnvironment(server).PGDATA);
  if (major === undefined) throw new Error(`${server.metadata.name} does not say which major it runs`);
  return major;
}

/** Whether the server archives to a store outside its volume. */
export function hasArchive(server: Server): boolean {
  return Object.keys(serverEnvironment(server)).some((name) => /^WALG_(S3|GS|AZ)_PREFIX$/.test(name));
}

/** Labels that keep Services and policies from treating the pod as the database. */
function ownLabels(labels: Labelled["labels"]): Record<string, string> {
  const kept = Object.entries(labels).filter(([name]) => name !== "postgres-stack/role");
  return { ...Object.fromEntries(kept), "app.kubernetes.io/component": "job" };
}

/** Prefers another node than the server's, because the rehearsal uses all the I/O that it can get. */
function awayFrom(server: Labelled["labels"], nodeAffinity: unknown) {
  return {
    nodeAffinity,
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            topologyKey: "kubernetes.io/hostname",
            labelSelector: { matchLabels: server },
          },
        },
      ],
    },
  };
}

/** A volume of the same size and class as the server's. */
function scratchVolume({ spec }: Claim, labels: Record<string, string>) {
  const { storageClassName, resources } = spec;
  return {
    name: "data",
    ephemeral: {
      volumeClaimTemplate: {
        metadata: { labels },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName,
          resources: { requests: { storage: resources.requests.storage } },
        },
      },
    },
  };
}

function step(server: Container, name: string, option: string, major: number, image: string) {
  const { env, volumeMounts, securityContext, resources } = server;
  const kept = env.filter((variable) => !REQUESTS.test(variable.name) && variable.name !== "PGDATA");
  return {
    name,
    image,
    args: ["upgrade.sh", option],
    env: [...kept, { name: "PGDATA", value: `/var/lib/postgresql/${major}/docker` }],
    volumeMounts,
    securityContext,
    resources,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}
