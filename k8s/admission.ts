import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Instance } from "./instance";
import { awaitedJob } from "./job";
import { nearTheDatabase, podPlacement } from "./placement";
import { jobResources, restrictedContainer, restrictedPod } from "./pod";

/**
 * A no-op Job with the server's limits and placement, which runs before anything is touched. If the API server refuses its pod
 * (a quota, a LimitRange, a missing priority class, a webhook), the update fails here within seconds. A StatefulSet would stop
 * the running server and wait in vain for its pod. The Job requests little because the server may use all that its node has. It
 * runs again when limits or placement change, but not for a new image alone.
 */
export function checkAdmission(instance: Instance, opts: pulumi.CustomResourceOptions): k8s.batch.v1.Job {
  const { image, placement } = instance;
  const { cpu, memory } = instance.postgres;
  const { requests } = jobResources(memory);
  return awaitedJob(
    instance,
    {
      purpose: "admission",
      deadlineSeconds: 600,
      awaited: "30s",
      until: "jsonpath={.status.active}=1", // the pod exists, whether or not it runs yet
      pod: {
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
    { ...opts, ignoreChanges: ["spec.template.spec.containers[0].image"] },
  );
}
