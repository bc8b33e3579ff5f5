import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Identity, labels } from "./names";

export interface AwaitedJobArgs {
  /** The resource is `<identity>-<purpose>`; Pulumi adds a suffix that makes each Job's name unique. */
  readonly purpose: string;
  /** Seconds after which Kubernetes fails the Job. */
  readonly deadlineSeconds: number;
  /** Pulumi's timeout, including scheduling and the image pull, such as `12m`. */
  readonly awaited: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What Pulumi waits for instead of the Job's success, as a value of `pulumi.com/waitFor`. */
  readonly until?: string;
  readonly pod: k8s.types.input.core.v1.PodSpec;
  /** Labels in addition to those of every job's pod. */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/**
 * Kubernetes can't change a Job or a pod, so every change replaces it under a new name. This includes `#initerror`, for a Job
 * that failed or that Pulumi stopped waiting for: the next update replaces it, even if somebody has deleted it since.
 */
export const REPLACE_ON_CHANGE: pulumi.CustomResourceOptions = { replaceOnChanges: ["*"] };

/** An evicted, preempted or lost pod doesn't count as a try: the Job creates another one. */
export const IGNORE_DISRUPTION = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

/**
 * A Job with one try; the update waits for it. The next update replaces one that did not succeed, unless the update waits for
 * something else.
 */
export function awaitedJob(
  identity: Identity,
  { purpose, deadlineSeconds, awaited, annotations, until, pod, podLabels }: AwaitedJobArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  return new k8s.batch.v1.Job(
    `${identity.name}-${purpose}`,
    {
      metadata: {
        namespace: identity.namespace,
        labels: labels(identity, "job"),
        annotations: {
          ...(until ? { "pulumi.com/waitFor": until } : { "pulumi.com/replaceUnready": "true" }),
          ...annotations,
        },
      },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [IGNORE_DISRUPTION] },
        activeDeadlineSeconds: deadlineSeconds,
        template: { metadata: { labels: { ...labels(identity, "job"), ...podLabels } }, spec: pod },
      },
    },
    { ...opts, ...REPLACE_ON_CHANGE, customTimeouts: { create: awaited } },
  );
}
