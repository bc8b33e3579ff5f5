import type * as k8s from "@pulumi/kubernetes";
import { databaseSelector, type Identity } from "./names";

type PodSpec = k8s.types.input.core.v1.PodSpec;

export interface PlacementArgs {
  /** `avoid`: never on a node that the cloud can reclaim; `require`: only on one, for data that may be lost; `any`: either. */
  readonly spot: "any" | "avoid" | "require";
  readonly priorityClassName?: string;
  readonly nodeSelector?: Record<string, string>;
  /** Names of Secrets with credentials for the image's registry. */
  readonly imagePullSecrets?: readonly string[];
}

/** Labels that the clouds and Karpenter put on nodes that they can reclaim; some also add a taint. */
const SPOT_NODES = [
  { key: "cloud.google.com/gke-spot", value: "true", tainted: true },
  { key: "eks.amazonaws.com/capacityType", value: "SPOT", tainted: false },
  { key: "karpenter.sh/capacity-type", value: "spot", tainted: false },
  { key: "kubernetes.azure.com/scalesetpriority", value: "spot", tainted: true },
];

/**
 * Scheduling and image pull secrets, the same for every pod of the instance: other taints, architecture or priority would keep
 * a pod away from the database's node. `podAffinity` is for pods that must or should run there.
 */
export function podPlacement(
  { spot, priorityClassName, nodeSelector, imagePullSecrets }: PlacementArgs,
  podAffinity?: k8s.types.input.core.v1.PodAffinity,
): Partial<PodSpec> {
  const affinity = {
    ...(spot === "any" ? {} : { nodeAffinity: spotAffinity(spot) }),
    ...(podAffinity && { podAffinity }),
  };
  return {
    priorityClassName,
    nodeSelector,
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
    ...(spot === "require" ? { tolerations: spotTolerations() } : {}),
  };
}

/** Terms are alternatives, expressions within a term must all hold: `require` needs any of the labels, `avoid` none of them. */
function spotAffinity(spot: "avoid" | "require"): k8s.types.input.core.v1.NodeAffinity {
  const expression = ({ key, value }: (typeof SPOT_NODES)[number], operator: "In" | "NotIn") => ({
    key,
    operator,
    values: [value],
  });
  return {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms:
        spot === "require"
          ? SPOT_NODES.map((node) => ({ matchExpressions: [expression(node, "In")] }))
          : [{ matchExpressions: SPOT_NODES.map((node) => expression(node, "NotIn")) }],
    },
  };
}

function spotTolerations(): k8s.types.input.core.v1.Toleration[] {
  return SPOT_NODES.filter(({ tainted }) => tainted).map(({ key, value }) => ({
    key,
    operator: "Equal",
    value,
    effect: "NoSchedule",
  }));
}

/** Requires the node of the database's pod, because only one node at a time can mount the claim. */
export function besideTheDatabase(identity: Identity): k8s.types.input.core.v1.PodAffinity {
  return { requiredDuringSchedulingIgnoredDuringExecution: [sameNode(identity)] };
}

/** Prefers the node of the database's pod; there may be no server yet, or none that runs. */
export function nearTheDatabase(identity: Identity): k8s.types.input.core.v1.PodAffinity {
  return {
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: sameNode(identity) }],
  };
}

function sameNode(identity: Identity): k8s.types.input.core.v1.PodAffinityTerm {
  return {
    topologyKey: "kubernetes.io/hostname",
    labelSelector: { matchLabels: databaseSelector(identity) },
  };
}
