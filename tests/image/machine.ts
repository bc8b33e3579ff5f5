import type { Client } from "pg";
import { attempt, type Result } from "../../local/process";
import { environment, LABELS, must, newVolume, QUICK, runOnce } from "./docker";
import { VOLUME } from "./restore";
import { connect } from "./session";

/** Seconds within which a boot must serve or end, including a restore, a backup and a store that hangs for a while. */
const DEADLINE = 180;

/** Kills everything in a container except its first process, waits until it is gone, and removes what is in memory. */
const KILL = `kill -9 -1; while pgrep 'postgres|wal-g|entrypoint' >/dev/null; do sleep 0.05; done
  rm -rf /run/postgres-stack/* /var/run/postgresql/.s* /tmp/*`;
/**
 * Prints a digest of the volume: each file's name, mode and size, and the records without their times. Kills at two moments
 * between which nothing but a sync happened leave the same.
 */
const STATE = `cd ${VOLUME}; {
  find . -type f -printf '%m %s %p\\n' -o -printf '%y %m %p %l\\n' | sort
  find .postgres-stack -name binaries -prune -o -type f -print0 | sort -z | xargs -0 sed -E 's/[0-9]{10}/TIME/g'
} | sha256sum`;
/** Most of what a server writes is zero, above all in segments. */
const COPY = "cp -a --sparse=always";
const WIPE = `find ${VOLUME} -mindepth 1 -delete; chown postgres:postgres ${VOLUME}`;

/**
 * Starts the image's entrypoint and prints its log. Sets status: 0 when it serves and has nothing left to do, or only serves if
 * $1 is `first`; 1 when it has ended; 2 when neither happened in time. The log is where tail gets told of each line. grep is
 * a command and not bash's `read`, during which bash leaves an ended server unreaped, so that tail waits for it.
 */
const BOOT = `
  log=/dev/shm/boot.log; : >"$log"
  gosu postgres entrypoint.sh postgres >>"$log" 2>&1 & server=$!; status=0
  under_way() { [ -s ${VOLUME}/.postgres-stack/restore ] || [ -s ${VOLUME}/.postgres-stack/upgrade ]; }
  timeout ${DEADLINE} grep -qm1 "roles and passwords are in step" < <(tail -n +1 -f --pid=$server "$log") || status=$?
  if [ $status -gt 1 ]; then status=2; fi
  while [ $status = 0 ] && [ "$1" != first ] && under_way; do
    if ! kill -0 $server 2>/dev/null; then status=1; fi
    if grep -q "the next start tries again" "$log"; then break; fi
    if [ $SECONDS -gt ${DEADLINE} ]; then status=2; fi
    sleep 0.2
  done
  cat "$log"`;

/** The result of a boot: it serves, or it ended; `log` is all its output. */
export interface Boot {
  readonly serves: boolean;
  readonly log: string;
}

/** A volume in memory for what {@link Machine.save} keeps; it exists as long as one of its machines. */
export function newShelf(): Promise<string> {
  return newVolume(["--opt", "type=tmpfs", "--opt", "device=tmpfs"]);
}

/**
 * A volume in memory, and containers of each major's image that mount it and only wait: a boot is a process in one of them, which
 * costs a tenth of a separate container. A kill ends everything in the container at once, as the kernel would.
 */
export class Machine {
  private readonly containers = new Map<number, Promise<string>>();
  /** Majors whose containers may be running something. */
  private readonly busy = new Set<number>();
  private volume: Promise<string> | undefined;
  private major = 18;

  /**
   * @param shelf for saved volumes; machines may share it
   * @param images by major
   */
  constructor(
    private readonly shelf: string,
    private readonly images: ReadonlyMap<number, string>,
  ) {}

  private container(major: number): Promise<string> {
    const known = this.containers.get(major) ?? this.newContainer(major);
    this.containers.set(major, known);
    return known;
  }

  private async newContainer(major: number): Promise<string> {
    const image = this.images.get(major);
    if (!image) throw new Error(`no image of PostgreSQL ${major}`);
    this.volume ??= newShelf();
    const mounts = ["-v", `${await this.volume}:${VOLUME}`, "-v", `${this.shelf}:/saved`];
    const wait = "while :; do sleep 1000 & wait; done";
    const options = [...LABELS, ...QUICK, "--no-healthcheck", ...mounts, "--entrypoint", "bash"];
    return must(["run", "-d", ...options, image, "-c", wait]);
  }

  private async exec(major: number, options: readonly string[], command: readonly string[]): Promise<Result> {
    const timeout = (DEADLINE + 30) * 1000;
    return attempt("docker", ["exec", ...options, await this.container(major), ...command], { timeout });
  }

  /** Runs a script as root, in any of the containers. */
  private async script(script: string): Promise<void> {
    const [major = this.major] = this.containers.keys();
    const { code, stderr } = await this.exec(major, [], ["bash", "-ec", script]);
    if (code !== 0) throw new Error(`${script}: ${stderr}`);
  }

  /** Empties the volume. Nothing may be running. */
  wipe(): Promise<void> {
    return this.script(WIPE);
  }

  /** Keeps the volume as it is, for {@link load}. Nothing may be running. */
  save(name: string): Promise<void> {
    return this.script(`${COPY} ${VOLUME} /saved/${name}`);
  }

  /** Keeps a Docker volume, for {@link load}. */
  async keep(volume: string, name: string): Promise<void> {
    await this.script("true"); // the shelf's contents stay as long as a container mounts it
    const mounts = ["-v", `${volume}:/from:ro`, "-v", `${this.shelf}:/saved`];
    const { code, stderr } = await runOnce(mounts, [...COPY.split(" "), "/from", `/saved/${name}`]);
    if (code !== 0) throw new Error(stderr);
  }

  /** Kills what runs, and fills the volume with a saved one, as a given owner's if there is one. */
  async load(name: string, owner = ""): Promise<void> {
    await this.kill();
    const record = owner && `; echo ${owner} >${VOLUME}/.postgres-stack/owner`;
    await this.script(`${WIPE}; ${COPY} /saved/${name}/. ${VOLUME}${record}`);
  }

  /** Ends every process of the machine at once. */
  async kill(): Promise<void> {
    for (const major of this.busy) await this.exec(major, [], ["bash", "-c", KILL]);
    this.busy.clear();
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
    this.busy.add(major);
    const command = ["bash", "-c", `${BOOT}; exit $status`, "boot", first ? "first" : ""];
    if (killAfter !== undefined) {
      await this.exec(major, ["-d", ...environment(variables)], command);
      await new Promise((wake) => setTimeout(wake, killAfter));
      await this.kill();
      return undefined;
    }
    const { code, stdout, stderr } = await this.exec(major, environment(variables), command);
    if (code !== 0 && code !== 1) throw new Error(`the boot neither serves nor ends:\n${stdout}${stderr}`);
    return { serves: code === 0, log: stdout };
  }

  /** Boots the machine until it serves, queries it at once, and kills everything, so that nothing later begins. */
  async answers(
    major: number,
    variables: Record<string, string>,
    database: string,
    ...queries: string[]
  ): Promise<{ answer: string; log: string }> {
    this.busy.add(major);
    const psql = `psql -U postgres -d ${database} -XAtq -v ON_ERROR_STOP=1 "\${@:2}" 2>&1`;
    const command = `{ ${BOOT}; } >&2; if [ $status = 0 ]; then ${psql} || status=3; fi; ${KILL}; exit $status`;
    const asked = queries.flatMap((query) => ["-c", query]);
    const run = ["bash", "-c", command, "boot", "first", ...asked];
    const { code, stdout, stderr } = await this.exec(major, environment(variables), run);
    if (code !== -1) this.busy.delete(major);
    if (code !== 0) throw new Error(`PostgreSQL ${major} does not serve, or answer:\n${stderr}${stdout}`);
    return { answer: stdout.trim(), log: stderr };
  }

  /**
   * Starts the image's entrypoint and waits for its end, which a kill point may bring: everything ends with it.
   *
   * @returns exit code and log, and the same `state` for volumes that hold the same
   */
  async ends(
    major: number,
    variables: Record<string, string>,
  ): Promise<{ code: number; log: string; state: string }> {
    this.busy.add(major);
    const command = `gosu postgres entrypoint.sh postgres 2>&1; status=$?; ${KILL}; { ${STATE}; } >&2; exit $status`;
    const { code, stdout, stderr } = await this.exec(major, environment(variables), ["bash", "-c", command]);
    if (code !== -1) this.busy.delete(major);
    const state = /^[0-9a-f]{64}/m.exec(stderr)?.[0]; // the shell also reports what was killed
    if (!state) throw new Error(`no state of the volume:\n${stdout.slice(-3000)}${stderr}`);
    return { code, log: stdout, state };
  }

  /** Runs a command as postgres beside the server, with variables. */
  command(args: readonly string[], variables: Record<string, string> = {}): Promise<Result> {
    return this.exec(this.major, ["-u", "postgres", ...environment(variables)], args);
  }

  /** Opens a session over the socket. Close it. */
  async session(): Promise<Client> {
    return connect(await must(["inspect", "-f", "{{.State.Pid}}", await this.container(this.major)]));
  }

  async remove(): Promise<void> {
    for (const id of this.containers.values()) await must(["rm", "-fv", await id]);
    this.containers.clear();
    if (this.volume) await must(["volume", "rm", await this.volume]);
    this.volume = undefined;
  }
}
