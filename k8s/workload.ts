import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { refusesUpdate } from "./hook";
import type { Instance } from "./instance";
import { claimName, databaseSelector, headlessName, labels, PORT, ROLE_LABEL } from "./names";
import { podPlacement } from "./placement";
import {
  claimMount,
  emptyDir,
  environment,
  pgdata,
  restrictedContainer,
  restrictedPod,
  type ServerPart,
  scratchMounts,
} from "./pod";
import { probes } from "./probes";
import { unaskedUpgrade } from "./upgrade";

/**
 * The StatefulSet with one replica. Name, namespace, selector and serviceName are plain strings, so nothing replaces it.
 *
 * @param parts what other files add to its pod; undefined ones are ignored
 */
export function createStatefulSet(
  instance: Instance,
  parts: readonly (ServerPart | undefined)[],
  needed: readonly pulumi.Resource[],
): k8s.apps.v1.StatefulSet {
  const { name, namespace, component, disposable } = instance;
  const patience = `${instance.request?.patienceMinutes ?? 30}m`;
  const given = parts.filter((part) => part !== undefined);
  return new k8s.apps.v1.StatefulSet(
    name,
    {
      metadata: { name, namespace, labels: labels(instance, "database") },
      spec: {
        replicas: 1,
        serviceName: headlessName(instance),
        selector: { matchLabels: databaseSelector(instance) },
        podManagementPolicy: "Parallel", // the next update replaces a pod that can't start; OrderedReady would wait for it
        template: serverPod(instance, given),
      },
    },
    {
      parent: component,
      dependsOn: [...needed, ...given.flatMap(({ needs = [] }) => needs)],
      protect: !disposable, // stops a destroy that should keep the data before it stops the server
      customTimeouts: { create: patience, update: patience },
      ...refusesUpdate(`${name}-upgrade-is-asked-for`, unaskedUpgrade),
    },
  );
}

/** The pod of the server: its container, and what the parts add to the container and the pod. */
export function serverPod(
  instance: Instance,
  parts: readonly ServerPart[],
): k8s.types.input.core.v1.PodTemplateSpec {
  const { owner, image, imageTag, postgres, sharedMemory, placement, gracePeriodSeconds } = instance;
  const mounts = [
    ...scratchMounts(),
    emptyDir("shm", "/dev/shm", { medium: "Memory", sizeLimit: sharedMemory }), // counts against the memory limit
    claimMount(claimName(instance), false),
    ...parts.flatMap((part) => part.mounts ?? []),
  ];
  // equal requests and limits make this pod the last that the kubelet evicts
  const resources = { cpu: postgres.cpu, memory: postgres.memory };
  return {
    metadata: {
      labels: {
        ...labels(instance, "database"),
        [ROLE_LABEL]: "primary",
        ...merged(parts.map(({ podLabels }) => podLabels)),
      },
      annotations: {
        "postgres-stack/image": imageTag,
        ...merged(parts.map(({ restartOn }) => restartOn)),
      },
    },
    spec: {
      ...restrictedPod(instance, mounts),
      ...podPlacement(placement),
      terminationGracePeriodSeconds: gracePeriodSeconds,
      containers: [
        {
          ...restrictedContainer(mounts),
          name: "postgres",
          image,
          ports: [{ name: "postgres", containerPort: PORT }],
          env: environment({
            PGDATA: pgdata(postgres.version),
            VOLUME_OWNER: owner,
            ...merged(parts.map((part) => part.environment)),
          }),
          resources: { requests: resources, limits: resources },
          lifecycle: { preStop: { exec: { command: ["pre-stop.sh"] } } },
          ...probes(),
        },
        ...parts.flatMap(({ containers = [] }) => containers),
      ],
    },
  };
}

function merged<Value>(
  values: readonly (Readonly<Record<string, Value>> | undefined)[],
): Record<string, Value> {
  return Object.assign({}, ...values);
}
