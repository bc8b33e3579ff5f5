/** Starts and stops the server of a {@link Home}. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { Home } from "./home";

const START_DEADLINE = 60_000; // milliseconds, including recovery of a small database
const STOP_DEADLINE = 60_000;

const path = (home: Home, name: string) => join(home.folder, name);
const environment = { PATH: process.env.PATH, LC_ALL: "C" };

/** Creates the data directory once; a kill midway leaves nothing that looks like one. */
export function initialise(home: Home, superuserPassword: string): void {
  if (fs.existsSync(path(home, "data"))) return;
  const staging = path(home, "data.initdb");
  const passwordFile = path(home, "initdb-password");
  fs.rmSync(staging, { recursive: true, force: true });
  fs.rmSync(passwordFile, { force: true });
  fs.writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
  if (home.user) fs.chownSync(passwordFile, home.user.uid, home.user.gid);
  const args = ["-D", staging, "-U", "postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  const { status, stderr, error } = spawnSync(
    join(home.native, "bin/initdb"),
    [...args, "--encoding=UTF8", "--no-locale", "--data-checksums"],
    { ...home.user, cwd: home.folder, env: environment, encoding: "utf8" },
  );
  fs.rmSync(passwordFile);
  if (status !== 0) throw new Error(`initdb failed; nothing was started.\n${error ?? stderr}`);
  fs.renameSync(staging, path(home, "data"));
}

/** Process id of the running server, or undefined. The id in a stale file may meanwhile belong to another program. */
export function runningServer(home: Home): number | undefined {
  const pid = recordedPid(home);
  return pid !== undefined && commandLine(pid).includes(path(home, "data")) ? pid : undefined;
}

function recordedPid(home: Home): number | undefined {
  const file = path(home, "data/postmaster.pid");
  return fs.existsSync(file) ? Number(fs.readFileSync(file, "utf8").split("\n")[0]) : undefined;
}

/** Empty if there is no such process. */
function commandLine(pid: number): string {
  try {
    if (process.platform === "linux") return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

/** The last start's port if it is free, otherwise another free one; remembers it in a file. */
export async function choosePort(home: Home): Promise<number> {
  const kept = keptPort(home);
  const port = kept && (await freePort(kept)) ? kept : await freePort(0);
  fs.writeFileSync(path(home, "port"), String(port));
  return port;
}

export function keptPort(home: Home): number {
  return fs.existsSync(path(home, "port")) ? Number(fs.readFileSync(path(home, "port"), "utf8")) : 0;
}

/** The port if it can be bound, otherwise 0; 0 requests any port. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(0));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * Starts the server and waits until it answers.
 *
 * @throws with the end of the server's log if it doesn't start
 */
export async function start(home: Home, port: number, password: string): Promise<void> {
  // PostgreSQL itself handles the file of a dead process; here another program has reused the id
  const recorded = recordedPid(home);
  if (recorded !== undefined && commandLine(recorded)) fs.rmSync(path(home, "data/postmaster.pid"));
  const fixed = {
    config_file: path(home, "etc/postgresql.conf"),
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    archive_mode: "off",
  };
  const log = fs.openSync(path(home, "server.log"), "w");
  const flags = Object.entries(fixed).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(join(home.native, "bin/postgres"), ["-D", path(home, "data"), ...flags], {
    ...home.user,
    cwd: home.folder,
    env: environment,
    detached: true,
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  let ended = false;
  server.once("exit", () => {
    ended = true;
  });
  server.once("error", () => {
    ended = true;
  });
  server.unref();
  const deadline = Date.now() + START_DEADLINE;
  while (!(await answers(port, password))) {
    if (ended || Date.now() > deadline) {
      throw new Error(
        `PostgreSQL did not start; the data are as they were. The end of its log:\n${serverLog(home).slice(-10).join("\n")}`,
      );
    }
    await pause(100);
  }
}

async function answers(port: number, password: string): Promise<boolean> {
  try {
    const client = await connect(port, password);
    await client.end();
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ECONNREFUSED" || code === "57P03") return false; // not listening yet, or starting up
    throw error;
  }
}

/** Connects as the superuser. */
export async function connect(port: number, password: string, database = "postgres"): Promise<Client> {
  const client = new Client({ host: "127.0.0.1", port, user: "postgres", password, database });
  await client.connect();
  return client;
}

/** The server's log lines since its start. */
export function serverLog(home: Home): string[] {
  return fs.readFileSync(path(home, "server.log"), "utf8").trimEnd().split("\n");
}

/** Fast shutdown; waits until the process has ended. */
export async function stop(home: Home, pid: number): Promise<void> {
  process.kill(pid, "SIGINT");
  const deadline = Date.now() + STOP_DEADLINE;
  while (runningServer(home) !== undefined) {
    if (Date.now() > deadline) {
      throw new Error(
        `PostgreSQL (process ${pid}) has not stopped within a minute, and was left running. Its log: ${path(home, "server.log")}`,
      );
    }
    await pause(50);
  }
}
