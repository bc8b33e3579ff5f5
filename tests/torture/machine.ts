import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { attempt, type Result, run, until } from "../../local/process";

const POSTGRES = 999; // uid and gid of postgres in the image
/** Seconds within which a boot has to serve or to end, a restore, a backup and a store that hangs for a while included. */
const DEADLINE = 180;

/** Ends everything in a container but its first process, waits until it is gone, and removes what lay in memory. */
const KILL = `kill -9 -1; while pgrep 'postgres|wal-g|entrypoint' >/dev/null; do sleep 0.05; done
  rm -rf /run/postgres-stack/* /var/run/postgresql/.s* /tmp/*`;

/** What a boot came to: it serves, or it ended with a code; `log` is all that it said. */
export interface Boot {
  readonly serves: boolean;
  readonly log: string;
}

/**
 * A volume, and containers of each major's image that mount it and only wait: a boot is a process in one of them, which costs a
 * tenth of a container of its own. A kill ends everything in the container at once, as the kernel would.
 */
export class Machine {
  private readonly containers = new Map<number, string>();
  private major = 18;
  private boots = 0;

  /**
   * @param folder on a file system in memory, for the volume, the socket and the logs
   * @param images by major
   */
  constructor(
    private readonly folder: string,
    private readonly images: ReadonlyMap<number, string>,
    private readonly labels: readonly string[],
  ) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755); // postgres has to reach what lies in it
    this.wipe();
  }

  private at(name: string): string {
    return join(this.folder, name);
  }

  /** A volume with nothing on it; what was mounted stays mounted. */
  wipe(): void {
    for (const name of ["volume", "log"]) {
      mkdirSync(this.at(name), { recursive: true, mode: 0o700 });
      chownSync(this.at(name), POSTGRES, POSTGRES);
    }
    for (const file of readdirSync(this.at("volume"))) {
      rmSync(join(this.at("volume"), file), { recursive: true, force: true });
    }
  }

  /** Keeps the volume as it is, for {@link load}. Nothing may run. */
  async save(name: string): Promise<void> {
    await run("cp", ["-a", this.at("volume"), this.at(`saved-${name}`)]);
  }

  /** Fills the volume with what was saved, as one of an owner if told. */
  async load(name: string, owner: string): Promise<void> {
    this.wipe();
    await run("cp", ["-a", `${this.at(`saved-${name}`)}/.`, this.at("volume")]);
    const record = join(this.at("volume"), ".postgres-stack/owner");
    if (owner !== "") writeFileSync(record, `${owner}\n`);
  }

  private async container(major: number): Promise<string> {
    const known = this.containers.get(major);
    if (known) return known;
    const image = this.images.get(major);
    if (!image) throw new Error(`no image of PostgreSQL ${major}`);
    const wait =
      "mkdir -p /run/postgres-stack && chown postgres /run/postgres-stack && while :; do sleep 1000 & wait; done";
    const options = [
      ...this.labels,
      "--no-healthcheck",
      "-v",
      `${this.folder}:/machine`,
      "--entrypoint",
      "bash",
    ];
    const mount = ["-v", `${this.at("volume")}:/var/lib/postgresql`];
    const id = await run("docker", ["run", "-d", ...options, ...mount, image, "-c", wait]);
    this.containers.set(major, id.trim());
    return id.trim();
  }

  private exec(args: readonly string[], timeout = DEADLINE * 1000): Promise<Result> {
    return attempt("docker", ["exec", ...args], { timeout });
  }

  /** Ends every process of the machine at once. */
  async kill(): Promise<void> {
    for (const id of this.containers.values()) await this.exec([id, "bash", "-c", KILL]);
  }

  /**
   * Starts the image's entrypoint and waits until it serves with nothing left to do, or has ended.
   *
   * @param killAfter milliseconds after which everything is killed, without waiting for an end
   * @param first whether it is enough that it serves: the base backup after a restore is not waited for
   */
  async boot(
    major: number,
    variables: Record<string, string>,
    { killAfter, first = false }: { killAfter?: number; first?: boolean } = {},
  ): Promise<Boot | undefined> {
    this.major = major;
    const id = await this.container(major);
    const name = `boot-${++this.boots}`;
    const log = join(this.at("log"), name);
    const environment = Object.entries(variables).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    const command = `entrypoint.sh postgres >/machine/log/${name} 2>&1; echo "ended with $?" >>/machine/log/${name}`;
    await run("docker", ["exec", "-d", "-u", "postgres", ...environment, id, "bash", "-c", command]);
    if (killAfter !== undefined) {
      await new Promise((wake) => setTimeout(wake, killAfter));
      await this.kill();
      return undefined;
    }
    return until(
      `the boot serves or ends (${log})`,
      async () => {
        const said = readFileSync(log, "utf8");
        if (/^ended with \d+$/m.test(said)) return { serves: false, log: said };
        if (!said.includes("roles and passwords are in step")) return undefined;
        if (!first && this.underWay() && !said.includes("the next start tries again")) return undefined;
        return { serves: true, log: said };
      },
      DEADLINE,
    );
  }

  /** Whether the journal of a restore or an upgrade is open. */
  private underWay(): boolean {
    return ["restore", "upgrade"].some((name) => {
      try {
        return readFileSync(join(this.at("volume"), ".postgres-stack", name), "utf8").trim() !== "";
      } catch {
        return false;
      }
    });
  }

  /** Runs a command as postgres beside the server, with variables. */
  async command(args: readonly string[], variables: Record<string, string> = {}): Promise<Result> {
    const environment = Object.entries(variables).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    return this.exec(["-u", "postgres", ...environment, await this.container(this.major), ...args]);
  }

  /** Opens a session over the socket. Close it. */
  async session(): Promise<Client> {
    const id = await this.container(this.major);
    const pid = (await run("docker", ["inspect", "-f", "{{.State.Pid}}", id])).trim();
    const client = new Client({
      host: `/proc/${pid}/root/run/postgresql`,
      user: "postgres",
      database: "postgres",
    });
    client.on("error", () => {}); // the server may be killed
    await client.connect();
    return client;
  }

  async remove(): Promise<void> {
    for (const id of this.containers.values()) await attempt("docker", ["rm", "-fv", id]);
    this.containers.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
