import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Archive } from "./archive";
import type { Instance } from "./instance";
import { awaitedJob } from "./job";
import { nearTheDatabase, podPlacement } from "./placement";
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

/**
 * Checks, before the server restarts with another prefix, whether the archive there belongs to another database. If so, the
 * update fails here with the image's message. The Job doesn't mount the claim, which only one node at a time can; the running
 * server says which database the volume holds. The Job runs again when prefix, access or image change.
 */
export function checkArchive(
  instance: Instance,
  archive: Archive | undefined,
  request: Request | undefined, // a restore brings in other data
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job | undefined {
  if (archive === undefined || instance.disposable) return undefined; // each life of a disposable stack has its own folder
  const { image, placement } = instance;
  const client = superuserClient(instance);
  const restore = request?.environment.RESTORE_ID;
  const mounts = [...scratchMounts(), client.mount, ...archive.mounts];
  const pod = {
    ...restrictedPod(instance, mounts),
    ...podPlacement(placement, nearTheDatabase(instance)),
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
          PGDATA: pgdata(instance.postgres.version),
          VOLUME_OWNER: instance.owner,
        }),
        resources: jobResources("256Mi"),
      },
    ],
  };
  const { podLabels } = archive;
  const job = { purpose: "archive-check", deadlineSeconds: 600, awaited: "12m", pod, podLabels };
  return awaitedJob(instance, job, opts);
}
