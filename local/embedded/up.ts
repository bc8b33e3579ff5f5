/** `make up` without Docker and without a cluster: the stack's settings on PostgreSQL from npm. Arguments: stack, why. */
import { relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { type Configuration, type Files, loadConfiguration, writeFiles, writtenFiles } from "./configuration";
import { fail } from "./fail";
import { type Home, openHome } from "./home";
import { ensureRole, loadPasswords, type Passwords, psqlLine } from "./roles";
import { choosePort, connect, initialise, keptPort, logTail, runningServer, start, stop } from "./server";

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

/** Makes the server run with the wanted configuration; returns its port. */
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
 * Gives a running server new files.
 *
 * @returns the settings that need a restart, joined; empty when all is applied
 * @throws with PostgreSQL's message when it rejects a value; then the old files are back
 */
async function reload(home: Home, files: Files, passwords: Passwords): Promise<string> {
  const before = writtenFiles(home);
  const client = await connect(keptPort(home), passwords.superuser);
  try {
    writeFiles(home, files);
    await reloaded(client);
    const rejected = await column(
      client,
      `SELECT f.name || ': ' || f.error FROM pg_file_settings f LEFT JOIN pg_settings s USING (name)
       WHERE f.error IS NOT NULL AND s.pending_restart IS NOT TRUE`,
    );
    if (rejected.length > 0) {
      const log = logTail(home, 5);
      writeFiles(home, before);
      await reloaded(client);
      throw new Error(
        `PostgreSQL rejects the settings; it goes on with the old ones.\n${rejected.join("\n")}`,
      );
    }
    return (await column(client, PENDING)).join(", ");
  } finally {
    await client.end();
  }
}

/** What is fixed by flags waits for ever and is left out. */
const PENDING =
  "SELECT name FROM pg_settings WHERE pending_restart AND source <> 'command line' ORDER BY name";

async function reloaded(client: Client): Promise<void> {
  const [before] = await column(client, "SELECT pg_conf_load_time()::text FROM pg_reload_conf()");
  while ((await column(client, "SELECT pg_conf_load_time()::text"))[0] === before) await pause(20);
}

async function column(client: Client, query: string): Promise<string[]> {
  return (await client.query({ text: query, rowMode: "array" })).rows.map(([value]) => String(value));
}

main(...process.argv.slice(2)).catch(fail);
