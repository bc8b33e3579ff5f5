import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Archive } from "./archive";
import type { Instance } from "./instance";
import { IGNORE_DISRUPTION, REPLACE_ON_CHANGE } from "./job";
import { claimName, labels } from "./names";
import { besideTheDatabase, podPlacement } from "./placement";
import {
  claimMount,
  environment,
  pgdata,
  restrictedContainer,
  restrictedPod,
  scratchMounts,
  superuserClient,
} from "./pod";

const CONTAINER = "backup";
/** After a week of later backups, a failed Job is no longer news; this also removes manual Jobs. */
const A_WEEK = 7 * 24 * 3600;
/** backup.sh's exit code if it took no backup: another one was running, or the server accepted no connections. */
const SKIPPED = 3;

/** Base backups on a schedule. Manually: `kubectl create job --from=cronjob/<name>-backup <any-name>`. */
export function createBackupSchedule(
  instance: Instance,
  archive: Archive | undefined,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.CronJob | undefined {
  if (archive === undefined) return undefined;
  const name = `${instance.name}-backup`;
  return new k8s.batch.v1.CronJob(
    name,
    {
      metadata: { name, namespace: instance.namespace, labels: labels(instance, "backup") },
      spec: {
        schedule: archive.backup.schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 1,
        jobTemplate: {
          spec: { ...backupJob(instance, archive, ["backup.sh"]), ttlSecondsAfterFinished: A_WEEK },
        },
      },
    },
    opts,
  );
}

/**
 * The first base backup, without which archived WAL is useless, and the first one with a new encryption key, without which that
 * key's WAL is useless. Takes none if the archive already has one that it can decrypt, so Pulumi may replace the Job at any
 * time. The update doesn't wait for it, because the database may be large.
 */
export function createFirstBackup(
  instance: Instance,
  archive: Archive | undefined,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job | undefined {
  if (archive === undefined) return undefined;
  return new k8s.batch.v1.Job(
    `${instance.name}-first-backup`,
    {
      metadata: {
        namespace: instance.namespace,
        labels: labels(instance, "backup"),
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: backupJob(instance, archive, ["backup.sh", "--first"], keyAnnotation(archive)),
    },
    { ...opts, ...REPLACE_ON_CHANGE },
  );
}

function keyAnnotation({ keyFingerprint }: Archive): Record<string, pulumi.Input<string>> | undefined {
  return keyFingerprint && { "postgres-stack/encryption-key": keyFingerprint };
}

/** Runs on the database's node. Retries a failure but not a skipped backup; a pod lost with its node doesn't count as a try. */
function backupJob(
  instance: Instance,
  archive: Archive,
  command: string[],
  annotations?: Record<string, pulumi.Input<string>>,
): k8s.types.input.batch.v1.JobSpec {
  const client = superuserClient(instance);
  const storesOnTheVolume = archive.backup.variable === "WALG_FILE_PREFIX";
  const mounts = [
    ...scratchMounts(),
    claimMount(claimName(instance), !storesOnTheVolume),
    client.mount,
    ...archive.mounts,
  ];
  return {
    backoffLimit: 2,
    podFailurePolicy: {
      rules: [
        IGNORE_DISRUPTION,
        { action: "FailJob", onExitCodes: { containerName: CONTAINER, operator: "In", values: [SKIPPED] } },
      ],
    },
    activeDeadlineSeconds: 24 * 3600,
    template: {
      metadata: { labels: { ...labels(instance, "backup"), ...archive.podLabels }, annotations },
      spec: {
        ...restrictedPod(instance, mounts),
        ...podPlacement(instance.placement, besideTheDatabase(instance)),
        restartPolicy: "Never",
        containers: [
          {
            ...restrictedContainer(mounts),
            name: CONTAINER,
            image: instance.image,
            args: command,
            env: environment({
              ...archive.environment,
              ...client.environment,
              PGDATA: pgdata(instance.postgres.version),
              BACKUP_RETAIN: String(archive.backup.retain),
              BACKUP_STATUS_FILE: "/dev/termination-log",
            }),
            resources: {
              requests: { cpu: "100m", memory: "128Mi" },
              limits: { cpu: archive.backup.cpu, memory: archive.backup.memory },
            },
          },
        ],
      },
    },
  };
}
