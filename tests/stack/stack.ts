import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { attempt, type Result, run, until } from "../../local/process";

const ROOT = join(__dirname, "../..");
const NOT_COPIED = new Set(["node_modules", ".git", ".local", "tests", "local.env"]);

export type Config = Record<string, unknown>;

interface State {
  readonly resources: readonly { readonly type: string; readonly outputs?: Record<string, unknown> }[];
}

/** A copy of the project in a folder of its own, as a fresh clone would be. */
export function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-"));
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => path === ROOT || !NOT_COPIED.has(basename(path)),
  });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Deletes namespaces with all that is in them, and does not wait for it. Servers end at once: their data go with them. */
export async function deleteNamespaces(namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    await attempt("kubectl", ["delete", "namespace", namespace, "--wait=false", "--ignore-not-found"]);
    await attempt("kubectl", ["-n", namespace, "delete", "pod", "--all", "--now", "--wait=false"]);
  }
}

/** A stack of the real program, in a namespace, a checkout and a Pulumi backend of its own. */
export class TestStack {
  readonly namespace: string;
  readonly folder = checkout();
  private readonly state = mkdtempSync(join(tmpdir(), "postgres-stack-state-"));
  /** Of the last good update; none before the first. */
  outputs: Record<string, string> = {};

  /** Laid over the process's environment, for a stack that reads its settings there. */
  readonly environment: Record<string, string> = {};

  constructor(
    public name: string,
    private config: Config,
  ) {
    this.namespace = `test-${name}-${process.pid}`;
  }

  /** Gives the stack another name in Pulumi, and its file too. */
  async rename(name: string): Promise<void> {
    await this.pulumi(["stack", "rename", name]);
    this.name = name;
  }

  get env(): Record<string, string> {
    return {
      PULUMI_BACKEND_URL: `file://${this.state}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NAMESPACE: this.namespace,
      ...this.environment,
    };
  }

  /** Runs a script of the project on this stack, as `make` would; the exit code is the caller's to judge. */
  script(file: string, variables: Record<string, string>): Promise<Result> {
    this.writeConfig(this.folder);
    const env = { ...this.env, STACK: this.name, ...variables };
    return attempt(file, [], { cwd: this.folder, env, timeout: 900_000 });
  }

  /** Runs the Pulumi CLI on this stack; the exit code is the caller's to judge. */
  pulumi(args: readonly string[], folder = this.folder): Promise<Result> {
    const all = [...args, "--stack", this.name, "--non-interactive", "--color", "never"];
    return attempt("pulumi", all, { cwd: folder, env: this.env, timeout: 900_000 });
  }

  async create(): Promise<void> {
    mkdirSync(this.state, { recursive: true });
    await run("pulumi", ["stack", "init", this.name, "--non-interactive"], {
      cwd: this.folder,
      env: this.env,
    });
  }

  /** Lays values over the stack's settings; undefined removes a key. */
  set(changes: Config): void {
    this.config = { ...this.config, ...changes };
  }

  private writeConfig(folder: string): void {
    const config = Object.fromEntries(
      Object.entries(this.config).map(([key, value]) => [
        key.includes(":") ? key : `postgres-stack:${key}`,
        value,
      ]),
    );
    writeFileSync(join(folder, `Pulumi.${this.name}.yaml`), JSON.stringify({ config }));
  }

  tryUp(...args: string[]): Promise<Result> {
    this.writeConfig(this.folder);
    return this.pulumi(["up", "--yes", "--skip-preview", ...args]);
  }

  /** Updates; a failure is an error with what Pulumi printed. */
  async up(): Promise<void> {
    const { code, stdout, stderr } = await this.tryUp();
    if (code !== 0) throw new Error(`pulumi up ended with ${code}\n${stdout}\n${stderr}`);
    this.readOutputs();
  }

  /** After {@link tryUp}; {@link up} does it itself. Read in the state: a start of the CLI costs more than all else. */
  readOutputs(): void {
    const file = join(this.state, ".pulumi/stacks/postgres-stack", `${this.name}.json`);
    const { resources }: State = JSON.parse(readFileSync(file, "utf8")).checkpoint.latest;
    const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
    // a secret is an object there
    const shown = Object.entries(outputs).map(([name, it]) => [
      name,
      typeof it === "object" ? "[secret]" : String(it),
    ]);
    this.outputs = Object.fromEntries(shown);
  }

  preview(args: readonly string[] = [], folder = this.folder): Promise<Result> {
    this.writeConfig(folder);
    return this.pulumi(["preview", ...args], folder);
  }

  /** Destroys what the stack has on the cluster, a protected claim too, and removes the rest; for one in another's namespace. */
  async remove(): Promise<void> {
    await this.pulumi(["state", "unprotect", "--all", "--yes"]);
    await this.pulumi(["destroy", "--yes", "--skip-preview"]);
    await this.discard();
  }

  /** Removes the stack with its namespace, which costs a tenth of destroying it. */
  async discard(): Promise<void> {
    await deleteNamespaces([this.namespace]);
    for (const folder of [this.folder, this.state]) rmSync(folder, { recursive: true, force: true });
  }

  // ---- what runs ----

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return run("kubectl", ["-n", this.namespace, ...args], { input });
  }

  /** A field of an object, by JSON path without braces: `.metadata.uid`. */
  get(object: string, path: string): Promise<string> {
    return this.kubectl(["get", object, "-o", `jsonpath={${path}}`]);
  }

  exec(...command: string[]): Promise<string> {
    return this.kubectl(["exec", "postgres-0", "-c", "postgres", "--", ...command]);
  }

  /** One value, or lines of `a|b`, as the superuser over the socket. */
  async sql(query: string): Promise<string> {
    return (await this.exec("psql", "-U", "postgres", "-XAtc", query)).trim();
  }

  /** Waits until everything that was written so far is in the archive. */
  async archived(): Promise<void> {
    // in one statement: in between, the server itself may begin the next segment, which then nothing completes
    const last = await this.sql("SELECT pg_walfile_name(pg_switch_wal() - 1)");
    const done = `SELECT last_archived_wal >= '${last}' FROM pg_stat_archiver`;
    await this.holds(`${last} in the archive`, `[ "$(psql -U postgres -XAtc "${done}")" = t ]`, 180);
  }

  /** Waits until a command in the server's container succeeds; to ask from outside costs more than most commands. */
  async holds(what: string, command: string, seconds: number): Promise<void> {
    const script = `until ${command}; do sleep 0.2; done`;
    await until(
      what,
      async () => {
        await this.exec("timeout", "30", "bash", "-c", script);
        return true;
      },
      seconds,
    );
  }

  /** For the log of a failed test. */
  async dump(): Promise<string> {
    const parts = [
      ["get", "all,pvc,configmap", "-o", "wide"],
      ["get", "events", "--sort-by=.lastTimestamp"],
      ["describe", "pod"],
      ["logs", "postgres-0", "--tail=80"],
      ["logs", "postgres-0", "--tail=40", "--previous"],
    ];
    const outputs = await Promise.all(
      parts.map((args) => attempt("kubectl", ["-n", this.namespace, ...args])),
    );
    return outputs
      .map(({ stdout, stderr }, i) => `--- kubectl ${parts[i]?.join(" ")}\n${stdout}${stderr}`)
      .join("\n");
  }
}

/** Settings of a small stack; the environment says where base image, WAL-G, registry and S3 are. */
export const SMALL: Config = {
  fromEnvironment: true,
  disposable: true,
  image: {},
  backup: { schedule: "0 3 1 1 *", archiveTimeout: 10 },
  dataSize: "1Gi",
  postgres: { memory: "512Mi", cpu: "500m" },
  placement: { createNamespace: true },
};
