import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Instance } from "./instance";
import { IGNORE_DISRUPTION, REPLACE_ON_CHANGE } from "./job";
import { labels } from "./names";
import { nearTheDatabase, podPlacement } from "./placement";
import { jobResources, restrictedContainer, restrictedPod } from "./pod";

/**
 * A no-op Job with the server's limits and placement, which runs before anything is touched. If the API server refuses its pod
 * (a quota, a LimitRange, a missing priority class, a webhook), the update fails here within seconds. A StatefulSet would stop
 * the running server and wait in vain for its pod. The Job requests little because the server may use all that its node has. It
 * runs again when limits or placement change, but not for a new image alone.
 */
export function checkAdmission(instance: Instance, opts: pulumi.CustomResourceOptions): k8s.batch.v1.Job {
  const { name, namespace, image, placement, postgres } = instance;
  const { cpu, memory } = postgres;
  const { requests } = jobResources(memory);
  return new k8s.batch.v1.Job(
    `${name}-admission`,
    {
      metadata: {
        namespace,
        labels: labels(instance, "job"),
        annotations: { "pulumi.com/waitFor": "jsonpath={.status.active}=1" }, // the pod exists, whether or not it runs yet
      },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [IGNORE_DISRUPTION] },
        activeDeadlineSeconds: 600,
        template: {
          metadata: { labels: labels(instance, "job") },
          spec: {
            ...restrictedPod(instance, []),
            ...podPlacement(placement, nearTheDatabase(instance)),
            restartPolicy: "Never",
            containers: [
              {
                ...restrictedContainer([]),
                name: "admission",
                image,
                args: ["sleep", "5"], // long enough for a watcher to see it run
                resources: { requests, limits: { cpu, memory } },
              },
            ],
          },
        },
      },
    },
    {
      ...opts,
      ...REPLACE_ON_CHANGE,
      ignoreChanges: ["spec.template.spec.containers[0].image"],
      customTimeouts: { create: "30s" },
    },
  );
}
