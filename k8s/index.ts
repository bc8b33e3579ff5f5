import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkAdmission } from "./admission";
import { createArchive } from "./archive";
import { checkArchive } from "./archive-check";
import { createBackupSchedule, createFirstBackup } from "./backup";
import { onCluster, requireDefaultProvider } from "./cluster";
import { applyConfiguration, checkConfiguration, createLiveConfiguration } from "./configuration";
import { createCredentials } from "./credentials";
import { after, type Instance, type PostgresInstanceArgs } from "./instance";
import { clientHost, type Identity, labels, PORT } from "./names";
import { createClientService, createHeadlessService } from "./network";
import { checkRequest, createRequest, reportRequest } from "./request";
import { createKept } from "./volume";
import { createStatefulSet } from "./workload";

export type { ClusterArgs, PostgresInstanceArgs } from "./instance";

/**
 * One PostgreSQL server with everything that it needs on Kubernetes.
 *
 * Order: retained objects (namespace, claim), credentials, archive -> admission of a pod -> checks of the settings (on a scratch
 * server and against the running one), the archive's owner and the request -> StatefulSet -> backup schedule, client Service,
 * settings applied and confirmed, request reported.
 */
export class PostgresInstance extends pulumi.ComponentResource {
  /** Host name of the client Service. */
  readonly host: pulumi.Output<string>;
  /** Port of the client Service. */
  readonly port: pulumi.Output<number>;
  /** Secret of the application's role. */
  readonly secretName: pulumi.Output<string>;
  /** Secret of the superuser. */
  readonly superuserSecretName: pulumi.Output<string>;
  /** Requested size of the volume: `2560Mi`. */
  readonly claimSize: pulumi.Output<string>;
  /** Location of the archive, with the major; empty without backups. */
  readonly backupPrefix: pulumi.Output<string>;
  /** A shell command with kubectl: psql as the application's role. */
  readonly psql: pulumi.Output<string>;

  constructor(name: string, args: PostgresInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("postgres-stack:k8s:PostgresInstance", name, {}, onCluster(name, args.cluster, opts));
    if (args.cluster === undefined) requireDefaultProvider(this, name);
    const instance: Instance = { ...args, ...identify(name, args), component: this };

    const kept = createKept(instance);
    const inside = after(instance, kept.namespace);
    const account = createServiceAccount(instance, inside);
    const credentials = createCredentials(instance, inside);
    const archive = createArchive(instance, inside);
    const headless = createHeadlessService(instance, inside);
    const request = createRequest(instance, inside);

    // these ask the running server through the Service; Kubernetes refuses a pod whose account doesn't exist
    const admitted = checkAdmission(instance, after(instance, account));
    const asking = after(instance, admitted, account, credentials.superuser);
    const { candidate, check } = checkConfiguration(instance, asking);
    const owned = checkArchive(instance, archive, request, asking);
    const reading = after(instance, kept.claim, account, credentials.superuser, check);
    const accepted = checkRequest(instance, request, archive, reading);
    // the volume grows first, because max_wal_size relies on its space
    const allowed = after(instance, check, kept.claim, owned, accepted);
    const live = createLiveConfiguration(instance, check, allowed);

    const parts = [live, credentials, archive, request];
    const server = createStatefulSet(instance, parts, [kept.claim, account, headless]);

    const schedule = createBackupSchedule(instance, archive, after(instance, server, live.map));
    // a destroy that spares protected resources also spares their dependencies: a server that survives keeps its backups
    const client = createClientService(instance, after(instance, server, schedule));
    const reachable = after(instance, server, client, live.map);
    applyConfiguration(instance, candidate, reachable);
    reportRequest(instance, request, archive, reachable);
    createFirstBackup(instance, archive, reachable);

    this.host = client.metadata.name.apply(() => clientHost(instance));
    this.port = pulumi.output(PORT);
    this.secretName = credentials.application.metadata.name;
    this.superuserSecretName = credentials.superuser.metadata.name;
    this.claimSize = pulumi.output(instance.volume.claimSize);
    this.backupPrefix = archive
      ? pulumi.interpolate`${archive.prefix}/${args.postgres.version}`
      : pulumi.output("");
    this.psql = pulumi.output(psqlLine(instance));
    this.registerOutputs({ host: this.host, port: this.port, secretName: this.secretName });
  }
}

function identify(name: string, { placement: { namespace }, disposable }: PostgresInstanceArgs): Identity {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${namespace}/${name}`;
  return { name, namespace, owner, disposable };
}

/** The pods' cloud identity. They don't use the Kubernetes API, so they mount no token. */
function createServiceAccount(
  instance: Instance,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ServiceAccount {
  return new k8s.core.v1.ServiceAccount(
    `${instance.name}-account`,
    {
      metadata: {
        name: instance.name,
        namespace: instance.namespace,
        labels: labels(instance, "database"),
        annotations: { ...instance.backup?.serviceAccountAnnotations },
      },
      automountServiceAccountToken: false,
    },
    opts,
  );
}

/** Runs psql in the server's container, which needs neither a local client nor a route to the Service. */
function psqlLine({ name, namespace }: Identity): string {
  const connect =
    'PGPASSWORD="$(cat "$APP_PASSWORD_FILE")" exec psql -h 127.0.0.1 -U "$APP_USER" -d "$APP_DATABASE"';
  return `kubectl exec -it -n ${namespace} ${name}-0 -- bash -c '${connect}'`;
}
