import { run, until } from "../../local/process";
import type { TestStack } from "./stack";

/** A pod beside the database with the application's Secret in its environment, as an application has it. */
export class Client {
  constructor(
    private readonly stack: TestStack,
    private readonly name: string,
  ) {}

  /** Starts the pod; it runs `script` (bash) with PGHOST, PGUSER, PGPASSWORD and PGDATABASE set. */
  async start(script = "sleep infinity"): Promise<void> {
    const secretKey = (name: string, key: string) => ({
      name,
      valueFrom: { secretKeyRef: { name: this.stack.outputs.secretName, key } },
    });
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: this.name },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        enableServiceLinks: false,
        containers: [
          {
            name: "client",
            image: await this.stack.get("statefulset/postgres", ".spec.template.spec.containers[0].image"),
            command: ["bash", "-c", script],
            env: [
              secretKey("PGHOST", "host"),
              secretKey("PGUSER", "username"),
              secretKey("PGPASSWORD", "password"),
              secretKey("PGDATABASE", "database"),
              { name: "PGCONNECT_TIMEOUT", value: "5" },
            ],
          },
        ],
      },
    };
    await this.stack.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
    await this.stack.kubectl(["wait", "--for=condition=Ready", `pod/${this.name}`, "--timeout=120s"]);
  }

  bash(script: string): Promise<string> {
    return this.stack.kubectl(["exec", this.name, "--", "bash", "-c", script]);
  }

  logs(): Promise<string> {
    return this.stack.kubectl(["logs", this.name]);
  }

  stop(): Promise<string> {
    return run("kubectl", ["-n", this.stack.namespace, "delete", "pod", this.name, "--now"]);
  }
}

/**
 * Writes rows one by one and prints each number after PostgreSQL acknowledged it. After a lost connection it goes on
 * behind a gap, because the last row may be there without having been acknowledged.
 */
const WRITER = `
n=1
while true; do
  last=$(seq "$n" "$((n + 9999))" | sed 's/.*/INSERT INTO acknowledged VALUES (&) RETURNING n;/' |
    psql -XqAt -v ON_ERROR_STOP=1 2>/dev/null | tee /dev/stderr | tail -n 1)
  n=$(( \${last:-$n} + 1000 ))
  [ -n "$last" ] || sleep 0.2
done`;

export class Writer {
  private readonly client: Client;

  constructor(private readonly stack: TestStack) {
    this.client = new Client(stack, "writer");
  }

  async start(): Promise<void> {
    await this.stack.kubectl(["delete", "pod", "writer", "--now", "--ignore-not-found"]);
    await this.stack.exec(
      "bash",
      "-c",
      `psql -U postgres -d "$APP_DATABASE" -Xqc 'DROP TABLE IF EXISTS acknowledged; CREATE TABLE acknowledged (n bigint PRIMARY KEY); GRANT ALL ON acknowledged TO PUBLIC'`,
    );
    await this.client.start(WRITER);
    await this.progress();
  }

  /** Resolves when rows are acknowledged that weren't before. */
  async progress(): Promise<void> {
    const last = async () => Number(await this.stack.kubectl(["logs", "writer", "--tail=1"])); // all of the log costs more than the rows
    const before = await last();
    await until("the writer's next rows", async () => (await last()) > before + 100, 90);
  }

  async acknowledged(): Promise<string[]> {
    return (await this.client.logs()).split("\n").filter((line) => /^\d+$/.test(line));
  }

  /** Stops writing and gives the acknowledged rows that the database does not have. */
  async missingRows(): Promise<{ acknowledged: number; missing: string }> {
    const rows = await this.acknowledged();
    await this.client.stop();
    const missing = await this.stack.kubectl(
      [
        "exec",
        "-i",
        "postgres-0",
        "--",
        "bash",
        "-c",
        `psql -U postgres -d "$APP_DATABASE" -XqAt -v ON_ERROR_STOP=1 -c 'CREATE TEMP TABLE seen (n bigint)' -c '\\copy seen from stdin' -c 'SELECT n FROM seen EXCEPT SELECT n FROM acknowledged ORDER BY 1'`,
      ],
      rows.join("\n"),
    );
    return { acknowledged: rows.length, missing: missing.trim() };
  }
}
