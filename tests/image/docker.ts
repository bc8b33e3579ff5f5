import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt, Hopeless, type Result, until } from "../../local/process";
import { answer, isReachable } from "./session";

/** Names everything this run of the tests leaves in Docker; a file that mocha runs alone is its own run. */
const RUN = process.env.TEST_RUN ?? `${process.pid}-${Date.now().toString(36)}`;
const OF_RUN = `postgres-stack-test=${RUN}`;
/** For this process: other files of the run may still be running. */
const OF_FILE = `postgres-stack-test-file=${RUN}-${process.pid}`;
/** For every container and volume that these tests create. */
export const LABELS = ["--label", OF_RUN, "--label", OF_FILE];
/** WAL-G skips garbage collection in the few milliseconds of most of its runs: that saves a fifth of their CPU. */
export const QUICK = ["-e", "GOGC=1000"];
const folders: string[] = [];
const CONTEXT = join(__dirname, "../../docker-context");

/** Tag of the image under test, unique to this run; `prepareImage` builds it. */
export const IMAGE = `postgres-stack-test:${RUN}`;

/** Runs the docker CLI; outputs are trimmed. Never throws for an exit code; throws when the CLI itself is missing. */
export async function docker(args: string[], input?: string): Promise<Result> {
  const { code, stdout, stderr } = await attempt("docker", args, { input });
  return { code, stdout: stdout.trim(), stderr: stderr.trim() };
}

/** Like `docker`, but an exit code other than 0 throws an error with the output. Returns stdout. */
export async function must(args: string[]): Promise<string> {
  const result = await docker(args);
  if (result.code !== 0) {
    throw new Error(`docker ${args.join(" ")} ended with ${result.code}: ${result.stdout}\n${result.stderr}`);
  }
  return result.stdout;
}

/** Whether a Docker daemon answers. */
export async function daemonAnswers(): Promise<boolean> {
  const result = await docker(["info"]).catch(() => undefined);
  return result?.code === 0;
}

/** Builds the image; BASE_IMAGE, WALG_URL and WALG_SHA256 replace the Dockerfile's defaults when they are set. */
export async function prepareImage(tag = IMAGE, baseImage = process.env.BASE_IMAGE): Promise<void> {
  const args = Object.entries({ ...process.env, BASE_IMAGE: baseImage })
    .filter(([name, value]) => value && ["BASE_IMAGE", "WALG_URL", "WALG_SHA256"].includes(name))
    .flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  await must(["build", "-q", "-t", tag, ...args, CONTEXT]);
}

/** What this process's containers that are still there have logged and run, to explain a failure. */
export async function evidence(): Promise<string> {
  const ids = (await must(["ps", "-aq", "--filter", `label=${OF_FILE}`])).split("\n").filter(Boolean);
  const lines = ids.map(async (id) => {
    const { stdout, stderr } = await docker(["logs", "--tail", "60", id]);
    const processes = await docker(["top", id, "-eo", "pid,ppid,etimes,stat,wchan:20,args"]);
    return `--- log of ${id}\n${stdout}\n${stderr}\n${processes.stdout || "it has ended"}`;
  });
  return (await Promise.all(lines)).join("\n");
}

/** Removes every container, volume and folder that this process's tests created. */
export async function cleanUp(): Promise<void> {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await removeLabelled(OF_FILE);
}

/** Removes every container and volume of this run, including those of a killed process, and the image. */
export async function removeRun(): Promise<void> {
  await removeLabelled(OF_RUN);
  await docker(["rmi", "-f", IMAGE]);
}

async function removeLabelled(label: string): Promise<void> {
  const list = async (...args: string[]) =>
    (await must([...args, "-q", "--filter", `label=${label}`])).split("\n").filter(Boolean);
  const containers = await list("ps", "-a");
  if (containers.length > 0) await must(["rm", "-fv", ...containers]);
  const volumes = await list("volume", "ls");
  if (volumes.length > 0) await must(["volume", "rm", ...volumes]);
}

/** A new named volume. `options` are those of `docker volume create`. */
export function newVolume(options: string[] = []): Promise<string> {
  return must(["volume", "create", ...LABELS, ...options]);
}

/** A new named volume that stays until the run ends, for the tests of other files too. */
export function newSharedVolume(): Promise<string> {
  return must(["volume", "create", "--label", OF_RUN]);
}

/** A new folder on this machine with these files, readable by everyone, for mounting. */
export function newFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-"));
  folders.push(folder);
  chmodSync(folder, 0o755);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Arguments of `docker run` that set environment variables. */
export function environment(variables: Record<string, string>): string[] {
  return Object.entries(variables).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
}

/** Arguments of `docker run`. Docker checks no container's health unless told how: that costs more than most of them. */
function withLabels(options: string[]): string[] {
  const health = options.some((option) => option.startsWith("--health-")) ? [] : ["--no-healthcheck"];
  const quick = options.includes("--memory") ? [] : QUICK; // it costs memory
  return [...LABELS, ...quick, ...health, ...options];
}

/** Runs the image in the foreground until it ends. */
export function runOnce(options: string[], command: string[] = [], image = IMAGE): Promise<Result> {
  return docker(["run", "--rm", ...withLabels(options), image, ...command]);
}

/** A running container of the image. */
export class Container {
  private constructor(
    readonly id: string,
    private startedAt: string,
  ) {}

  /** Starts a container in the background. `options` are those of `docker run`. */
  static async start(options: string[], command: string[] = [], image = IMAGE): Promise<Container> {
    const startedAt = new Date().toISOString();
    const id = await must(["run", "-d", ...withLabels(options), image, ...command]);
    return new Container(id, startedAt);
  }

  /** Starts a container and waits until its readiness probe passes. */
  static async ready(options: string[], command: string[] = []): Promise<Container> {
    const container = await Container.start(options, command);
    await container.becomesReady();
    return container;
  }

  exec(...command: string[]): Promise<Result> {
    return docker(["exec", this.id, ...command]);
  }

  /** Runs a bash script as the user postgres, with variables in its environment. */
  bash(script: string, variables: Record<string, string> = {}): Promise<Result> {
    return docker(["exec", "-u", "postgres", ...environment(variables), this.id, "bash", "-c", script]);
  }

  /** Its first process as this machine sees it; each start has another. */
  private pid: Promise<string> | undefined;

  /** Runs SQL as the superuser over the socket and returns the unaligned answer. */
  async sql(query: string): Promise<string> {
    this.pid ??= must(["inspect", "-f", "{{.State.Pid}}", this.id]);
    const pid = await this.pid;
    if (isReachable(pid)) return answer(pid, query);
    const result = await this.exec("psql", "-U", "postgres", "-XAtqc", query);
    if (result.code !== 0) throw new Error(`${query}: ${result.stderr}`);
    return result.stdout;
  }

  /** Connects over TCP with a password. */
  login(role: string, password: string, query = "SELECT 1", database = "postgres"): Promise<Result> {
    const address = `host=127.0.0.1 user=${role} dbname=${database}`;
    return docker(["exec", "-e", `PGPASSWORD=${password}`, this.id, "psql", address, "-XAtqc", query]);
  }

  probe(kind: "startup" | "liveness" | "readiness"): Promise<Result> {
    return this.exec("probe.sh", kind);
  }

  /** The output so far, stdout and stderr. */
  async logs(): Promise<string> {
    const result = await docker(["logs", this.id]);
    return `${result.stdout}\n${result.stderr}`;
  }

  async becomesReady(): Promise<void> {
    await this.isUp(60);
    await this.holds("the container is ready", "probe.sh readiness");
  }

  /**
   * Waits until the server has the environment's passwords. If the container ends, that is an error. Reads the log, which costs
   * much less than repeated probes while several containers work.
   */
  async isUp(seconds = 300): Promise<void> {
    await this.logged(/roles and passwords are in step with the environment/, seconds);
  }

  /**
   * Waits until a command in the container succeeds. Repeats it inside the container: each `docker exec` costs more than most
   * commands. If the container ends, that is an error.
   */
  async holds(what: string, command: string, seconds = 60): Promise<void> {
    const script = `until ${command}; do sleep 0.1; done >/dev/null 2>&1`;
    await until(
      what,
      async () => {
        const left = await this.exec("timeout", "20", "bash", "-c", script);
        if (left.code === 0) return true;
        if (!(await this.runs())) throw new Hopeless(`${what}: the container ended:\n${await this.logs()}`);
      },
      seconds,
    );
  }

  /**
   * Follows the log since the last start until it matches. Returns the match; an end of the container without one is an error.
   */
  logged(pattern: RegExp, seconds = 60): Promise<string> {
    return new Promise((resolve, reject) => {
      const follower = spawn("docker", ["logs", "-f", "--since", this.startedAt, this.id]);
      const deadline = setTimeout(() => follower.kill(), seconds * 1000);
      let log = "";
      const read = (data: Buffer) => {
        log += data;
        const match = log.match(pattern)?.[0];
        if (match === undefined) return;
        resolve(match);
        follower.kill();
      };
      follower.stdout.on("data", read);
      follower.stderr.on("data", read);
      follower.on("error", reject);
      follower.on("close", (code) => {
        clearTimeout(deadline);
        const end = code === null ? `not within ${seconds} s` : "the container ended";
        reject(new Error(`${end}: the log has ${pattern}\n${log.slice(-4000)}`));
      });
    });
  }

  async runs(): Promise<boolean> {
    return (await must(["inspect", "-f", "{{.State.Running}}", this.id])) === "true";
  }

  /** Waits until the container has ended. Returns its exit code. */
  async ends(seconds = 60): Promise<number> {
    const { code, stdout } = await attempt("docker", ["wait", this.id], { timeout: seconds * 1000 });
    if (code !== 0) throw new Error(`the container has not ended within ${seconds} s:\n${await this.logs()}`);
    return Number(stdout);
  }

  kill(signal: string): Promise<string> {
    return must(["kill", "-s", signal, this.id]);
  }

  stop(): Promise<string> {
    return must(["stop", "-t", "60", this.id]);
  }

  /** Stops the container, and removes it. */
  async end(): Promise<void> {
    await this.stop();
    await this.remove();
  }

  start(): Promise<string> {
    this.pid = undefined;
    this.startedAt = new Date().toISOString();
    return must(["start", this.id]);
  }

  async remove(): Promise<void> {
    await must(["rm", "-fv", this.id]);
  }
}
