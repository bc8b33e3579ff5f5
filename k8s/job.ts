import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Identity, labels } from "./names";

export interface AwaitedJobArgs {
  /** `<identity>-<purpose>` is the resource; Pulumi adds what tells one Job from the next. */
  readonly purpose: string;
  /** Seconds after which Kubernetes ends it as failed. */
  readonly deadlineSeconds: number;
  /** How long Pulumi waits, scheduling and pulling the image included, such as `12m`. */
  readonly awaited: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly pod: k8s.types.input.core.v1.PodSpec;
  /** Beside those of every job's pod. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/**
 * Kubernetes can't change a Job or a pod, so whatever changes is another one, named by Pulumi. That includes `#initerror`, one that
 * failed or was not waited for to its end: the next update makes it anew, even if somebody has deleted it since.
 */
export const MADE_ANEW: pulumi.CustomResourceOptions = { replaceOnChanges: ["*"] };

/** A pod that was evicted, preempted or lost with its node is no try: the Job makes another one. */
export const LOST_IS_NO_TRY = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

/** One try, awaited by the update. */
export function awaitedJob(
  identity: Identity,
  { purpose, deadlineSeconds, awaited, annotations, pod, podLabels }: AwaitedJobArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  return new k8s.batch.v1.Job(
    `${identity.name}-${purpose}`,
    {
      metadata: {
        namespace: identity.namespace,
        labels: labels(identity, "job"),
        annotations: { "pulumi.com/replaceUnready": "true", ...annotations },
      },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [LOST_IS_NO_TRY] },
        activeDeadlineSeconds: deadlineSeconds,
        template: { metadata: { labels: { ...labels(identity, "job"), ...podLabels } }, spec: pod },
      },
    },
    { ...opts, ...MADE_ANEW, customTimeouts: { create: awaited } },
  );
}
