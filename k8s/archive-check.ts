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
 * Asks, before the server restarts with another prefix, whether the archive there is another database's: then the update ends
 * here with the image's message. The claim is not mounted, since one node at a time can do that: whose data are on it, the
 * server that runs says. It runs again whenever prefix, access or image change.
 */
export function checkArchive(
  instance: Instance,
  archive: Archive | undefined,
  request: Request | undefined, // a restore brings other data along
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job | undefined {
  if (archive === undefined || instance.disposable) return undefined; // each life of a disposable stack has a folder of its own
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
