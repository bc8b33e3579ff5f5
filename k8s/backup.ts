import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Archive } from "./archive";
import type { Instance } from "./instance";
import { LOST_IS_NO_TRY, MADE_ANEW } from "./job";
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
/** A failure that later backups have made good is no longer news; also those by hand go then. */
const A_WEEK = 7 * 24 * 3600;
/** What backup.sh ends with when it took none: another one ran, or the server did not accept connections. */
const SKIPPED = 3;

/** Base backups on a schedule. By hand: `kubectl create job --from=cronjob/<name>-backup <any-name>`. */
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
 * The first base backup, as archived WAL is worth nothing without one; and the first with another key of encryption, as WAL
 * that only the new key opens is worth nothing either. It takes none where the archive has one already that opens, so it may
 * run again whenever Pulumi replaces it. The update does not wait for it: the database may be large.
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
    { ...opts, ...MADE_ANEW },
  );
}

function keyAnnotation({ keyFingerprint }: Archive): Record<string, pulumi.Input<string>> | undefined {
  return keyFingerprint && { "postgres-stack/encryption-key": keyFingerprint };
}

/**
 * Runs beside the database's pod. A failure is tried again; a backup that was skipped is neither done nor worth another try;
 * and a pod that its node lost is no try at all.
 */
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
        LOST_IS_NO_TRY,
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
