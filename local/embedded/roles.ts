/** Passwords of an embedded server, and the application's role and database. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import type { Home } from "./home";

export interface Passwords {
  readonly superuser: string;
  readonly application: string;
}

/** Generates the passwords on the first call, in a file that only its owner can read. */
export function loadPasswords(home: Home): Passwords {
  const file = join(home.folder, "passwords.json");
  if (!existsSync(file)) {
    const random = () => randomBytes(24).toString("hex");
    const passwords: Passwords = { superuser: random(), application: random() };
    writeFileSync(file, JSON.stringify(passwords), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Creates the application's role and database with the stack's names, and sets the role's password. */
export async function ensureRole(
  client: Client,
  role: string,
  database: string,
  password: string,
): Promise<void> {
  const name = escapeIdentifier(role);
  if (!(await exists(client, "SELECT FROM pg_roles WHERE rolname = $1", role))) {
    await client.query(`CREATE ROLE ${name}`);
  }
  await client.query(`ALTER ROLE ${name} LOGIN PASSWORD ${escapeLiteral(password)}`);
  if (!(await exists(client, "SELECT FROM pg_database WHERE datname = $1", database))) {
    await client.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${name}`);
  }
}

async function exists(client: Client, query: string, value: string): Promise<boolean> {
  return ((await client.query(query, [value])).rowCount ?? 0) > 0;
}

/**
 * Writes libpq's password file and returns a shell command that uses it and contains no password.
 */
export function psqlLine(home: Home, port: number, role: string, database: string, password: string): string {
  const file = join(home.folder, "pgpass");
  const field = (text: string) => text.replace(/[\\:]/g, "\\$&");
  const entry = ["127.0.0.1", String(port), field(database), field(role), field(password)].join(":");
  writeFileSync(file, `${entry}\n`, { mode: 0o600 });
  const value = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  return `psql "host=127.0.0.1 port=${port} dbname=${value(database)} user=${value(role)} passfile=${value(file)}"`;
}
