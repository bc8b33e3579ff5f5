import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { RequestSettings } from "../settings/settings";
import { type Archive, keyAccess, storeAccess } from "./archive";
import { awaitedJob } from "./job";
import { claimName, type Identity, labels } from "./names";
import type { PlacementArgs } from "./placement";
import { nearTheDatabase, podPlacement } from "./placement";
import {
  claimMount,
  environment,
  jobResources,
  type Mount,
  pgdata,
  restrictedContainer,
  restrictedPod,
  scratchMounts,
  superuserClient,
} from "./pod";

/** What a request adds to the server's container. */
export interface Request {
  readonly command?: RequestSettings["command"];
  readonly patienceMinutes: number;
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly mounts: readonly Mount[];
}

export interface RequestPodArgs {
  readonly request: Request;
  readonly command: NonNullable<RequestSettings["command"]>;
  readonly archive?: Archive;
  readonly image: pulumi.Input<string>;
  readonly major: number;
  readonly placement: PlacementArgs;
}

/** A restore, a clone or an upgrade, with the credentials of a clone's source as mounted files. */
export function createRequest(
  identity: Identity,
  { command, patienceMinutes, environment, source }: RequestSettings,
  opts: pulumi.CustomResourceOptions,
): Request {
  const access = storeAccess(identity, { ...source, name: "clone-source", of: "CLONE_" }, opts);
  const key = keyAccess(identity, { ...source, name: "clone-encryption", of: "CLONE_" }, opts);
  return {
    command,
    patienceMinutes,
    environment: { ...environment, ...access.environment, ...key.environment },
    mounts: [...access.mounts, ...key.mounts],
  };
}

/**
 * Asks, before anything of the server changes, whether the request would be accepted: the archive is read, the volume only
 * looked at, and for an upgrade the server that runs is asked. A refusal ends the update with the image's message; the next update asks again.
 */
export function checkRequest(
  identity: Identity,
  args: RequestPodArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  const pod = podSpec(identity, args, "--preflight");
  const podLabels = args.archive?.podLabels;
  const job = { purpose: "preflight", deadlineSeconds: 1800, awaited: "35m", pod, podLabels };
  return awaitedJob(identity, job, opts);
}

/**
 * Says, once the server is ready again, what the request came to: how long it took, or why the old data serve on, which
 * fails the update. A pod, because its message is readable from here; it counts as ready only when it has ended.
 */
export function reportRequest(
  identity: Identity,
  args: RequestPodArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Pod {
  const pod = new k8s.core.v1.Pod(
    `${identity.name}-report`,
    {
      metadata: {
        namespace: identity.namespace,
        labels: { ...labels(identity, "job"), ...args.archive?.podLabels },
      },
      spec: podSpec(identity, args, "--report"),
    },
    { ...opts, customTimeouts: { create: "15m" } },
  );
  pod.status.apply((status) => {
    const message = status?.containerStatuses?.[0]?.state?.terminated?.message;
    if (message?.startsWith("failed: ")) throw new pulumi.RunError(message);
    if (message) pulumi.log.info(message.replace("done: ", ""));
  });
  return pod;
}

/** On the node that has the volume, if one has; there may be no server yet, or none that runs. */
function podSpec(identity: Identity, args: RequestPodArgs, option: string): k8s.types.input.core.v1.PodSpec {
  const { archive, request, command, image, major, placement } = args;
  const upgrades = command === "upgrade.sh";
  const client = upgrades ? superuserClient(identity) : undefined;
  const mounts = [
    ...scratchMounts(),
    claimMount(claimName(identity), true),
    ...(archive?.mounts ?? []),
    ...request.mounts,
    ...(client ? [client.mount] : []),
  ];
  return {
    ...restrictedPod(identity, mounts),
    ...podPlacement(placement, nearTheDatabase(identity)),
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
          PGDATA: pgdata(major),
        }),
        ...(option === "--report" ? { readinessProbe: { exec: { command: ["false"] } } } : {}),
        resources: jobResources(upgrades ? "512Mi" : "256Mi"), // an upgrade's check makes a cluster to compare with
      },
    ],
  };
}
