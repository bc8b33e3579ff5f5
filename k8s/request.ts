import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { RequestSettings } from "../settings/settings";
import { type Archive, keyAccess, storeAccess } from "./archive";
import type { Instance } from "./instance";
import { awaitedJob, REPLACE_ON_CHANGE } from "./job";
import { claimName, labels } from "./names";
import { nearTheDatabase, podPlacement } from "./placement";
import {
  claimMount,
  environment,
  jobResources,
  type Mount,
  pgdata,
  restrictedContainer,
  restrictedPod,
  type ServerPart,
  scratchMounts,
  superuserClient,
} from "./pod";

/** What a request adds to the server's pod. */
export interface Request extends ServerPart {
  readonly command?: RequestSettings["command"];
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly mounts: readonly Mount[];
}

/** A restore, clone or upgrade request, with the credentials of a clone's source as mounted files; undefined without one. */
export function createRequest(instance: Instance, opts: pulumi.CustomResourceOptions): Request | undefined {
  if (instance.request === undefined) return undefined;
  const { command, environment, source } = instance.request;
  const access = storeAccess(instance, { ...source, name: "clone-source", of: "CLONE_" }, opts);
  const key = keyAccess(instance, { ...source, name: "clone-encryption", of: "CLONE_" }, opts);
  return {
    command,
    environment: { ...environment, ...access.environment, ...key.environment },
    mounts: [...access.mounts, ...key.mounts],
  };
}

/**
 * Checks, before the server changes, whether the image would accept the request: reads the archive, only looks at the volume
 * and, for an upgrade, asks the running server. A refusal fails the update with the image's message; the next update checks
 * again.
 */
export function checkRequest(
  instance: Instance,
  request: Request | undefined,
  archive: Archive | undefined,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job | undefined {
  if (request?.command === undefined) return undefined;
  const pod = podSpec(instance, request, request.command, archive, "--preflight");
  const podLabels = archive?.podLabels;
  const job = { purpose: "preflight", deadlineSeconds: 1800, awaited: "35m", pod, podLabels };
  return awaitedJob(instance, job, opts);
}

/**
 * Reports the request's outcome once the server is ready again: how long it took, or why the old data are still in use, which
 * fails the update. A pod, because Pulumi can read its message; it counts as ready only after it has ended.
 */
export function reportRequest(
  instance: Instance,
  request: Request | undefined,
  archive: Archive | undefined,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Pod | undefined {
  if (request?.command === undefined) return undefined;
  const pod = new k8s.core.v1.Pod(
    `${instance.name}-report`,
    {
      metadata: {
        namespace: instance.namespace,
        labels: { ...labels(instance, "job"), ...archive?.podLabels },
      },
      spec: podSpec(instance, request, request.command, archive, "--report"),
    },
    { ...opts, ...REPLACE_ON_CHANGE, customTimeouts: { create: "15m" } },
  );
  pod.status.apply((status) => {
    const message = status?.containerStatuses?.[0]?.state?.terminated?.message;
    if (message?.startsWith("failed: ")) throw new pulumi.RunError(message);
    if (message) pulumi.log.info(message.replace("done: ", ""));
  });
  return pod;
}

/** Prefers the node that has mounted the volume; there may be no server yet, or none that runs. */
function podSpec(
  instance: Instance,
  request: Request,
  command: NonNullable<Request["command"]>,
  archive: Archive | undefined,
  option: "--preflight" | "--report",
): k8s.types.input.core.v1.PodSpec {
  const { image, placement } = instance;
  const upgrades = command === "upgrade.sh";
  const client = upgrades ? superuserClient(instance) : undefined;
  const mounts = [
    ...scratchMounts(),
    claimMount(claimName(instance), true),
    ...(archive?.mounts ?? []),
    ...request.mounts,
    ...(client ? [client.mount] : []),
  ];
  return {
    ...restrictedPod(instance, mounts),
    ...podPlacement(placement, nearTheDatabase(instance)),
    restartPolicy: "Never",
    containers: [
      {
        ...restrictedContainer(mounts),
        name: command.replace(".sh", ""),
        image,
        args: [command, option],
        env: environment({
          ...archive?.environment,
          ...request.environment,
          ...client?.environment,
          PGDATA: pgdata(instance.postgres.version),
        }),
        ...(option === "--report" ? { readinessProbe: { exec: { command: ["false"] } } } : {}),
        resources: jobResources(upgrades ? "512Mi" : "256Mi"), // an upgrade's check creates a cluster to compare with
      },
    ],
  };
}
