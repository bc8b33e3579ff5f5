import type { TestStack } from "./stack";

/** Another database with an archive of its own: a bare pod of a stack's image in its namespace, with its store's credentials. */
export class Neighbour {
  readonly owner = "another-project/another-stack";
  readonly prefix: string;

  constructor(private readonly stack: TestStack) {
    this.prefix = `s3://${process.env.S3_BUCKET}/neighbours/${stack.namespace}`;
  }

  /** Starts it; returns when its first base backup is in its archive. */
  async start(): Promise<void> {
    const [server] = JSON.parse(
      await this.stack.get("statefulset/postgres", ".spec.template.spec.containers"),
    );
    const variables = {
      POSTGRES_PASSWORD: "secret",
      BACKUP_SCHEDULE: "external",
      WALG_S3_PREFIX: this.prefix,
      VOLUME_OWNER: this.owner,
    };
    const store = server.env.filter(({ name }: { name: string }) => name.startsWith("AWS_"));
    const mounts = server.volumeMounts.filter(({ name }: { name: string }) => name === "object-store");
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "neighbour" },
      spec: {
        terminationGracePeriodSeconds: 0,
        enableServiceLinks: false,
        containers: [
          {
            name: "postgres",
            image: server.image,
            env: [...store, ...Object.entries(variables).map(([name, value]) => ({ name, value }))],
            volumeMounts: mounts,
            readinessProbe: {
              exec: { command: ["probe.sh", "readiness"] },
              periodSeconds: 1,
              timeoutSeconds: 10,
            },
          },
        ],
        volumes: [{ name: "object-store", secret: { secretName: "postgres-object-store" } }],
      },
    };
    await this.stack.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
    await this.stack.kubectl(["wait", "--for=condition=Ready", "pod/neighbour", "--timeout=120s"]);
    await this.exec("backup.sh");
  }

  /** The archive's list of base backups. */
  backups(): Promise<string> {
    return this.exec("bash", "-c", "set -a; . /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
  }

  stop(): Promise<string> {
    return this.stack.kubectl(["delete", "pod", "neighbour", "--now"]);
  }

  private exec(...command: string[]): Promise<string> {
    return this.stack.kubectl(["exec", "neighbour", "--", ...command]);
  }
}
