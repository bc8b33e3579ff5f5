import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { BackupSettings } from "../settings/settings";
import type { Archive } from "./archive";
import { claimName, type Identity, labels } from "./names";
import { besideTheDatabase, type PlacementArgs, podPlacement } from "./placement";
import {
  claimMount,
  environment,
  pgdata,
  restrictedContainer,
  restrictedPod,
  scratchMounts,
  superuserClient,
} from "./pod";

export type BackupJobArgs = BackupSettings & {
  readonly archive: Archive;
  readonly image: pulumi.Input<string>;
  readonly major: number;
  readonly placement: PlacementArgs;
};

const CONTAINER = "backup";
/** A failure that later backups have made good is no longer news; also those by hand go then. */
const A_WEEK = 7 * 24 * 3600;
/** What backup.sh ends with when it took none: another one ran, or the server did not accept connections. */
const SKIPPED = 3;

/** Base backups on a schedule. By hand: `kubectl create job --from=cronjob/<name>-backup <any-name>`. */
export function createBackupSchedule(
  identity: Identity,
  args: BackupJobArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.CronJob {
  const name = `${identity.name}-backup`;
  return new k8s.batch.v1.CronJob(
    name,
    {
      metadata: { name, namespace: identity.namespace, labels: labels(identity, "backup") },
      spec: {
        schedule: args.schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 1,
        jobTemplate: {
          spec: { ...backupJob(identity, args, ["backup.sh"]), ttlSecondsAfterFinished: A_WEEK },
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
  identity: Identity,
  args: BackupJobArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  return new k8s.batch.v1.Job(
    `${identity.name}-first-backup`,
    {
      metadata: {
        namespace: identity.namespace,
        labels: labels(identity, "backup"),
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: backupJob(identity, args, ["backup.sh", "--first"], keyAnnotation(args.archive)),
    },
    opts,
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
  identity: Identity,
  args: BackupJobArgs,
  command: string[],
  annotations?: Record<string, pulumi.Input<string>>,
): k8s.types.input.batch.v1.JobSpec {
  const client = superuserClient(identity);
  const storesOnTheVolume = args.variable === "WALG_FILE_PREFIX";
  const mounts = [
    ...scratchMounts(),
    claimMount(claimName(identity), !storesOnTheVolume),
    client.mount,
    ...args.archive.mounts,
  ];
  return {
    backoffLimit: 2,
    podFailurePolicy: {
      rules: [
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        { action: "FailJob", onExitCodes: { containerName: CONTAINER, operator: "In", values: [SKIPPED] } },
      ],
    },
    activeDeadlineSeconds: 24 * 3600,
    template: {
      metadata: { labels: { ...labels(identity, "backup"), ...args.archive.podLabels }, annotations },
      spec: {
        ...restrictedPod(identity, mounts),
        ...podPlacement(args.placement, besideTheDatabase(identity)),
        restartPolicy: "Never",
        containers: [
          {
            ...restrictedContainer(mounts),
            name: CONTAINER,
            image: args.image,
            args: command,
            env: environment({
              ...args.archive.environment,
              ...client.environment,
              PGDATA: pgdata(args.major),
              BACKUP_RETAIN: String(args.retain),
              BACKUP_STATUS_FILE: "/dev/termination-log",
            }),
            resources: {
              requests: { cpu: "100m", memory: "128Mi" },
              limits: { cpu: args.cpu, memory: args.memory },
            },
          },
        ],
      },
    },
  };
}
