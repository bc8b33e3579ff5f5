import { existsSync } from "node:fs";
import { Client, DatabaseError } from "pg";

/** This machine's path to the sockets of a container's server; nothing if it has no access to Docker's processes. */
const folderOf = (pid: string) => `/proc/${pid}/root/run/postgresql`;

/** Whether {@link connect} reaches the server of the container with this first process. */
export function isReachable(pid: string): boolean {
  return process.getuid?.() === 0 && existsSync(`${folderOf(pid)}/.s.PGSQL.5432`);
}

/** Opens a superuser session over the socket. Close it. */
export async function connect(pid: string, types?: { getTypeParser: () => (value: string) => string }) {
  const client = new Client({
    host: folderOf(pid),
    port: 5432,
    user: "postgres",
    database: "postgres",
    password: "",
    ssl: false,
    types,
  });
  client.on("error", () => {}); // the server may be killed
  await client.connect();
  return client;
}

const TEXT = { getTypeParser: () => (value: string) => value };

/** All that SQL returns, as `psql -XAtq` prints it; an error has PostgreSQL's message. `docker exec` costs ten times as much. */
export async function answer(pid: string, query: string): Promise<string> {
  const client = await connect(pid, TEXT);
  try {
    const results = await client.query({ text: query, rowMode: "array" });
    return [results]
      .flat()
      .flatMap(({ rows }) => rows as (string | null)[][])
      .map((row) => row.map((value) => value ?? "").join("|"))
      .join("\n")
      .trim();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const { severity, message, detail, hint } = error;
    const more = [detail && `DETAIL:  ${detail}`, hint && `HINT:  ${hint}`].filter(Boolean);
    throw new Error([`${query}: ${severity}:  ${message}`, ...more].join("\n"));
  } finally {
    await client.end().catch(() => {});
  }
}
