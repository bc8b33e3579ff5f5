import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Archive } from "./archive";
import { awaitedJob } from "./job";
import type { Identity } from "./names";
import { nearTheDatabase, type PlacementArgs, podPlacement } from "./placement";
import {
  environment,
  jobResources,
  pgdata,
  restrictedContainer,
  restrictedPod,
  scratchMounts,
  superuserClient,
} from "./pod";
import type { Request } from "./request";

export interface ArchiveCheckArgs {
  readonly archive: Archive;
  readonly image: pulumi.Input<string>;
  readonly major: number;
  readonly placement: PlacementArgs;
  /** A restore brings other data along. */
  readonly request?: Request;
}

/**
 * Asks, before the server restarts with another prefix, whether the archive there is another database's: then the update ends
 * here with the image's message. The claim is not mounted, since one node at a time can do that: whose data are on it, the
 * server that runs says. It runs again whenever prefix, access or image change.
 */
export function checkArchive(
  identity: Identity,
  { archive, image, major, placement, request }: ArchiveCheckArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  const client = superuserClient(identity);
  const restore = request?.environment.RESTORE_ID;
  const mounts = [...scratchMounts(), client.mount, ...archive.mounts];
  const pod = {
    ...restrictedPod(identity, mounts),
    ...podPlacement(placement, nearTheDatabase(identity)),
    restartPolicy: "Never",
    containers: [
      {
        ...restrictedContainer(mounts),
        name: "archive-check",
        image,
        args: ["check-archive.sh"],
        env: environment({
          ...archive.environment,
          ...client.environment,
          ...(restore && { RESTORE_ID: restore }),
          PGDATA: pgdata(major),
          VOLUME_OWNER: identity.owner,
        }),
        resources: jobResources("256Mi"),
      },
    ],
  };
  const { podLabels } = archive;
  const job = { purpose: "archive-check", deadlineSeconds: 600, awaited: "12m", pod, podLabels };
  return awaitedJob(identity, job, opts);
}
