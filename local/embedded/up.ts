/** `make up` without Docker or a cluster: PostgreSQL from npm with the stack's settings. Arguments: stack, why. */
import { relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { fail } from "../fail";
import { type Configuration, type Files, loadConfiguration, writeFiles, writtenFiles } from "./configuration";
import { type Home, openHome } from "./home";
import { ensureRole, loadPasswords, type Passwords, psqlLine } from "./roles";
import { choosePort, connect, initialise, keptPort, runningServer, serverLog, start, stop } from "./server";

async function main(stack = "dev", missing = ""): Promise<void> {
  console.log(`Target: embedded (${missing}). Not here: Kubernetes, the image, WAL archiving, backups.`);
  const home = openHome(stack);
  const wanted = await loadConfiguration(stack, home);
  const passwords = loadPasswords(home);
  const port = await serve(home, wanted, passwords);
  const client = await connect(port, passwords.superuser);
  await ensureRole(client, wanted.role, wanted.database, passwords.application);
  const { rows } = await client.query("SHOW server_version");
  await client.end();
  for (const note of wanted.notes) console.log(`Note: ${note}.`);
  console.log(`PostgreSQL ${rows[0].server_version} answers on port ${port}. As the application's role:`);
  console.log(psqlLine(home, port, wanted.role, wanted.database, passwords.application));
  console.log(`\`make down\` stops it; its files stay in ${relative(process.cwd(), home.link)}.`);
}

/** Runs the server with the wanted configuration; returns its port. */
async function serve(home: Home, wanted: Configuration, passwords: Passwords): Promise<number> {
  const pid = runningServer(home);
  if (pid !== undefined) {
    const restart = await reload(home, wanted.files, passwords);
    if (!restart) return keptPort(home);
    console.log(`Restarting for ${restart}.`);
    await stop(home, pid);
  } else {
    initialise(home, passwords.superuser);
    writeFiles(home, wanted.files);
  }
  const port = await choosePort(home);
  await start(home, port, passwords.superuser);
  return port;
}

/**
 * Reloads a running server with new files.
 *
 * @returns the settings that need a restart, joined; empty if everything is applied
 * @throws with PostgreSQL's message if it rejects a value, after restoring the old files
 */
async function reload(home: Home, files: Files, passwords: Passwords): Promise<string> {
  const before = writtenFiles(home);
  const client = await connect(keptPort(home), passwords.superuser);
  try {
    writeFiles(home, files);
    if ((await column(client, REJECTED)).length > 0) {
      const message = await rejection(client, home);
      writeFiles(home, before);
      await client.query("SELECT pg_reload_conf()"); // the first reload applied the valid part of the rejected files
      throw new Error(`PostgreSQL rejects the settings; it keeps the old ones.\n${message}`);
    }
    const [last] = await column(client, "SELECT pg_conf_load_time()::text FROM pg_reload_conf()");
    await until(async () => (await column(client, "SELECT pg_conf_load_time()::text"))[0] !== last);
    return (await column(client, PENDING)).join(", ");
  } finally {
    await client.end();
  }
}

// PostgreSQL rereads the files for this view, which also reports a value that needs a restart as an error
const REJECTED = `SELECT f.name FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = lower(f.name)
  WHERE f.error IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'`;

// settings fixed by flags would stay pending for ever
const PENDING = `SELECT name FROM pg_settings WHERE pending_restart AND source <> 'command line' ORDER BY name`;

/** Only the log has PostgreSQL's words, so this reloads the rejected files to get them there. */
async function rejection(client: Client, home: Home): Promise<string> {
  const lines = serverLog(home).length;
  await client.query("SELECT pg_reload_conf()");
  const added = () => serverLog(home).slice(lines);
  await until(async () => added().some((line) => line.includes("contains errors")));
  return added().join("\n");
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error("PostgreSQL has not reloaded its settings within 10 seconds.");
    await pause(20);
  }
}

async function column(client: Client, query: string): Promise<string[]> {
  return (await client.query({ text: query, rowMode: "array" })).rows.map(([value]) => String(value));
}

main(...process.argv.slice(2)).catch(fail);
