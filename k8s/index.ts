import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { BackupSettings, RequestSettings } from "../settings/settings";
import { createArchive } from "./archive";
import { checkArchive } from "./archive-check";
import { createBackupSchedule, createFirstBackup } from "./backup";
import { type ClusterArgs, onCluster, requireDefaultProvider } from "./cluster";
import {
  applyConfiguration,
  checkConfiguration,
  createLiveConfiguration,
  restartFingerprint,
} from "./configuration";
import { createCredentials, type RoleArgs } from "./credentials";
import { clientHost, type Identity, labels, PORT } from "./names";
import { createClientService, createHeadlessService, type NetworkArgs } from "./network";
import type { PlacementArgs } from "./placement";
import { checkRequest, createRequest, reportRequest } from "./request";
import { createKept, type VolumeArgs } from "./volume";
import { createStatefulSet } from "./workload";

export type { ClusterArgs } from "./cluster";

export interface PostgresInstanceArgs {
  /** What the pods run, by digest where it is known. */
  readonly image: pulumi.Input<string>;
  /** The image's tag, known at preview: a label on the pod, so that a review shows which image is meant. */
  readonly imageTag: string;
  /** The data goes with the stack, and each life of the stack archives into a folder of its own. Default: false. */
  readonly disposable: boolean;
  readonly volume: Pick<VolumeArgs, "claimSize" | "storageClass">;
  readonly postgres: {
    readonly version: number;
    /** Kubernetes quantities; request and limit. */
    readonly memory: string;
    readonly cpu: string;
    /** The conf.d file, and those of its settings that need a restart. */
    readonly conf: string;
    readonly restartSettings: Readonly<Record<string, string>>;
  };
  /** None: plain PostgreSQL, nothing is archived. */
  readonly backup?: BackupSettings;
  /** A restore, a clone or an upgrade: it is checked before anything changes, and happens once. */
  readonly request?: RequestSettings;
  readonly access: RoleArgs & NetworkArgs;
  readonly placement: PlacementArgs & { readonly namespace: string; readonly createNamespace: boolean };
  readonly gracePeriodSeconds: number;
  /** Size of `/dev/shm`. */
  readonly sharedMemory: string;
  /** Where it runs. Default: the cluster of the program's `kubernetes:` configuration. */
  readonly cluster?: ClusterArgs;
}

/**
 * One PostgreSQL server with everything that it needs to run on Kubernetes.
 *
 * Order: what is kept (namespace, claim), credentials, archive -> settings checked on a scratch server and with the one that
 * runs, archive asked whose it is, request checked against it -> StatefulSet -> backup schedule, client Service,
 * settings applied and confirmed, request reported.
 */
export class PostgresInstance extends pulumi.ComponentResource {
  /** Host name of the client Service. */
  readonly host: pulumi.Output<string>;
  readonly port: pulumi.Output<number>;
  /** Secret of the application's role. */
  readonly secretName: pulumi.Output<string>;
  readonly superuserSecretName: pulumi.Output<string>;
  readonly claimSize: pulumi.Output<string>;
  /** Where the archive lies, with the major; empty without backups. */
  readonly backupPrefix: pulumi.Output<string>;
  /** A line for a shell with kubectl: psql as the application's role. */
  readonly psql: pulumi.Output<string>;

  constructor(name: string, args: PostgresInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("postgres-stack:k8s:PostgresInstance", name, {}, onCluster(name, args.cluster, opts));
    const { image, postgres, placement, access, backup, cluster, disposable } = args;
    if (cluster === undefined) requireDefaultProvider(this, name);
    const identity = identify(name, placement.namespace, disposable);

    const kept = createKept(identity, { ...args.volume, ...placement, disposable, cluster }, this);
    const inside = { parent: this, dependsOn: kept.namespace };
    const account = createServiceAccount(identity, backup?.serviceAccountAnnotations ?? {}, inside);
    const credentials = createCredentials(identity, access, inside);
    const archive = backup && createArchive(identity, backup, args.disposable, inside);
    const headless = createHeadlessService(identity, inside);

    // these ask the server that runs, over the Service; a pod is refused where its account does not exist
    const asking = { parent: this, dependsOn: [account, credentials.superuser] };
    const configuration = { image, ...postgres, placement, sharedMemory: args.sharedMemory };
    const { candidate, check } = checkConfiguration(identity, configuration, asking);
    const job = { image, placement, major: postgres.version };
    const request = args.request && createRequest(identity, args.request, inside);
    // each life of a disposable stack archives into a folder of its own
    const owned = archive && !disposable && checkArchive(identity, { ...job, archive, request }, asking);
    const requested = request?.command && {
      request,
      command: request.command,
      archive,
      ...job,
    };
    const accepted =
      requested &&
      checkRequest(identity, requested, {
        parent: this,
        dependsOn: [kept.claim, account, credentials.superuser, check],
      });

    const live = createLiveConfiguration(
      identity,
      { ...postgres, check },
      {
        parent: this,
        // max_wal_size counts on the room: first the volume grows
        dependsOn: [check, kept.claim, ...[owned, accepted].filter((it) => it instanceof k8s.batch.v1.Job)],
      },
    );

    // a destroy that is not meant to take the data along stops before it stops the server
    const guarded = { parent: this, protect: !args.disposable };
    const server = createStatefulSet(
      identity,
      {
        ...args,
        ...access,
        ...postgres,
        major: postgres.version,
        archive,
        request,
        restartOn: {
          "postgres-stack/image": args.imageTag,
          "postgres-stack/restart-settings": restartFingerprint(postgres.restartSettings),
          "postgres-stack/passwords": credentials.fingerprint,
        },
      },
      {
        ...guarded,
        dependsOn: [kept.claim, account, credentials.superuser, credentials.application, headless, live],
      },
    );

    const backups = backup && archive && { ...backup, ...job, archive };
    const schedule =
      backups && createBackupSchedule(identity, backups, { parent: this, dependsOn: [server, live] });
    // a destroy that spares what is protected spares what that depends on: as long as there is a server, it is backed up
    const behind = schedule ? [server, schedule] : [server];
    const client = createClientService(identity, access, { ...guarded, dependsOn: behind });
    const reachable = { parent: this, dependsOn: [server, client, live] };
    applyConfiguration(identity, { ...configuration, candidate }, reachable);
    if (requested) reportRequest(identity, requested, reachable);
    if (backups) createFirstBackup(identity, backups, reachable);

    this.host = client.metadata.name.apply(() => clientHost(identity));
    this.port = pulumi.output(PORT);
    this.secretName = credentials.application.metadata.name;
    this.superuserSecretName = credentials.superuser.metadata.name;
    this.claimSize = pulumi.output(args.volume.claimSize);
    this.backupPrefix = archive
      ? pulumi.interpolate`${archive.prefix}/${postgres.version}`
      : pulumi.output("");
    this.psql = pulumi.output(psqlLine(identity));
    this.registerOutputs({ host: this.host, port: this.port, secretName: this.secretName });
  }
}

function identify(name: string, namespace: string, disposable: boolean): Identity {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${namespace}/${name}`;
  return { name, namespace, owner, disposable };
}

/** The pods' identity towards the cloud; the API server is none of their business, so no token is mounted. */
function createServiceAccount(
  identity: Identity,
  annotations: Readonly<Record<string, string>>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ServiceAccount {
  return new k8s.core.v1.ServiceAccount(
    `${identity.name}-account`,
    {
      metadata: {
        name: identity.name,
        namespace: identity.namespace,
        labels: labels(identity, "database"),
        annotations: { ...annotations },
      },
      automountServiceAccountToken: false,
    },
    opts,
  );
}

/** Runs psql in the server's own container, so that it needs neither a client nor a route to the Service. */
function psqlLine({ name, namespace }: Identity): string {
  const connect =
    'PGPASSWORD="$(cat "$APP_PASSWORD_FILE")" exec psql -h 127.0.0.1 -U "$APP_USER" -d "$APP_DATABASE"';
  return `kubectl exec -it -n ${namespace} ${name}-0 -- bash -c '${connect}'`;
}
