import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Instance } from "./instance";
import { LOST_IS_NO_TRY, MADE_ANEW } from "./job";
import { labels } from "./names";
import { nearTheDatabase, podPlacement } from "./placement";
import { jobResources, restrictedContainer, restrictedPod } from "./pod";

/**
 * A Job that does nothing, with the server's limits and placement, before anything is touched: a pod that the API server refuses
 * (a quota, a LimitRange, a priority class that isn't there, a webhook) ends the update here after seconds. A StatefulSet would
 * stop the server that runs and wait for its pod in vain. What it requests is little, as the server may have all that its node
 * has. It runs again when limits or placement change; another image alone is no reason to ask for the limits twice.
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
        annotations: { "pulumi.com/waitFor": "jsonpath={.status.active}=1" }, // the pod exists, wherever and whenever it runs
      },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [LOST_IS_NO_TRY] },
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
                args: ["sleep", "5"], // so long that whoever watches sees it run
                resources: { requests, limits: { cpu, memory } },
              },
            ],
          },
        },
      },
    },
    {
      ...opts,
      ...MADE_ANEW,
      ignoreChanges: ["spec.template.spec.containers[0].image"],
      customTimeouts: { create: "30s" },
    },
  );
}
