import { expect } from "chai";
import { Container, environment, runOnce } from "./docker";
import { change, VOLUME } from "./restore";

export const RECORD = `${VOLUME}/.postgres-stack/collations`;
export const REPORT = `${VOLUME}/.postgres-stack/collation-report`;
export const PERMIT = { PG_REINDEX_COLLATIONS: "true" };
export const OLD = "glibc=1.0 icu=1.0";
export const UNTOUCHED = ["names_c", "names_pattern", "names_pkey", "words_fr"];

/** What an image with another glibc leaves behind: another version in the catalogs. */
export const OLD_DEFAULT =
  "UPDATE pg_database SET datcollversion = '1.0' WHERE datcollversion IS NOT NULL AND datlocprovider = 'c'";
export const oldCollation = (name: string) =>
  `UPDATE pg_collation SET collversion = '1.0' WHERE collname = '${name}'`;

export const options = (volume: string, variables: Record<string, string> = {}) => [
  "-v",
  `${volume}:${VOLUME}`,
  ...environment({ POSTGRES_PASSWORD: "secret", ...variables }),
];

export const boot = (volume: string, variables = {}) => Container.ready(options(volume, variables));

/** Runs SQL, one statement at a time, in the database postgres of a volume on which no server runs. */
export const alter = (volume: string, ...statements: string[]) =>
  change(
    volume,
    `postgres --single -j -D "$PGDATA" -c log_min_messages=fatal postgres >/dev/null <<'SQL'\n${statements.join(";\n\n")};\n\nSQL`,
  );

export const remember = (volume: string, record: string) => change(volume, `echo '${record}' >${RECORD}`);

/** Starts on a volume and expects the start to fail. Returns the log. */
export async function refused(volume: string, variables: Record<string, string> = {}): Promise<string> {
  const { code, stderr } = await runOnce(options(volume, variables));
  expect(code, stderr.slice(-2000)).to.equal(1);
  return stderr;
}

/** Starts on a volume with the permit, and expects it to die at a kill point. */
export async function dies(volume: string, point: string): Promise<void> {
  const { code, stderr } = await runOnce(options(volume, { ...PERMIT, POSTGRES_STACK_KILL_AT: point }));
  expect(code, `${point}: ${stderr.slice(-2000)}`).to.equal(137);
}

/** File nodes of the indexes by name, as one line. */
export const nodes = (database: Container, ...indexes: string[]) =>
  database.sql(
    `SELECT string_agg(pg_relation_filenode(oid)::text, ' ' ORDER BY relname) FROM pg_class WHERE relname = ANY ('{${indexes}}')`,
  );

export const record = async (database: Container) => (await database.exec("cat", RECORD)).stdout;

export const differing = (database: Container) =>
  database.sql(`SELECT (SELECT count(*) FROM pg_database WHERE datcollversion <> pg_database_collation_actual_version(oid))
    + (SELECT count(*) FROM pg_collation WHERE collversion <> pg_collation_actual_version(oid))`);

/** Compares every index with its table. */
export async function isSound(database: Container): Promise<void> {
  const options = ["--heapallindexed", "--install-missing", "-j", "1"];
  const { code, stdout } = await database.exec("pg_amcheck", "-U", "postgres", "--all", ...options);
  expect(code, stdout).to.equal(0);
}
