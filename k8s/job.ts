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
 * One try, awaited by the update; one that failed is made anew by the next. Kubernetes can't change a Job, so other content is
 * another Job, named by Pulumi.
 */
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
        activeDeadlineSeconds: deadlineSeconds,
        template: { metadata: { labels: { ...labels(identity, "job"), ...podLabels } }, spec: pod },
      },
    },
    { ...opts, customTimeouts: { create: awaited } },
  );
}
