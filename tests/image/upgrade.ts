import { expect } from "chai";
import type { Result } from "../../local/process";
import { type Container, docker, newSharedVolume, runOnce } from "./docker";
import { imageOf, needMajors } from "./majors";
import { shared } from "./once";
import { boot, copyOf, options, VOLUME } from "./restore";

/** The environment that requests an upgrade. */
export function upgrade(more: Record<string, string> = {}): Record<string, string> {
  return { PG_UPGRADE: "one", ...more };
}

/** Runs SQL in a database as the superuser. */
export async function ask(server: Container, database: string, query: string): Promise<string> {
  const { code, stdout, stderr } = await docker(
    ["exec", "-i", server.id, "psql", "-U", "postgres", "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1"],
    query,
  );
  if (code !== 0) throw new Error(`${query}: ${stderr}`);
  return stdout;
}

/** SQL for database `shop`: everything in a real database that an upgrade could lose. */
function shopSql(tables: number, rows: number): string {
  return `
    CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_trgm; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION amcheck;
    CREATE ROLE reader; CREATE ROLE writer LOGIN PASSWORD 'kept' IN ROLE reader;
    DO $$ BEGIN
      FOR i IN 1..${tables} LOOP
        EXECUTE format('CREATE TABLE t%s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, at timestamptz)', i);
        EXECUTE format('INSERT INTO t%s (name, at) SELECT md5(i::text) || i, ''2026-01-01''::timestamptz + i * interval ''1 min'' FROM generate_series(1, ${rows}) i', i);
        EXECUTE format('CREATE INDEX ON t%s (name)', i);
      END LOOP;
    END $$;
    CREATE INDEX by_trigram ON t1 USING gin (name gin_trgm_ops);
    CREATE TABLE names (name text COLLATE "de-x-icu");
    INSERT INTO names SELECT chr(97 + i % 26) || chr(228) || i FROM generate_series(1, 1000) i;
    CREATE INDEX names_icu ON names (name);
    CREATE TABLE codes (code text COLLATE "C"); INSERT INTO codes SELECT md5(i::text) FROM generate_series(1, 1000) i;
    CREATE INDEX codes_c ON codes (code);
    CREATE TABLE measured (day date, value float) PARTITION BY RANGE (day);
    CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
    CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
    INSERT INTO measured SELECT '2026-01-01'::date + i % 365, i FROM generate_series(1, 2000) i;
    CREATE TABLE secrets AS SELECT crypt('x', gen_salt('bf', 4)) AS hash;
    CREATE MATERIALIZED VIEW by_month AS SELECT date_trunc('month', day) AS month, sum(value) FROM measured GROUP BY 1;
    SELECT lo_from_bytea(0, convert_to(repeat('large ', 10000), 'UTF8'));
    GRANT SELECT ON t1 TO reader; GRANT INSERT, UPDATE ON t1 TO writer;
    ALTER DATABASE shop SET work_mem = '5MB'; ALTER SYSTEM SET random_page_cost = '1.5';
    ANALYZE;`;
}

const SUM = `'SELECT md5(string_agg(t::text, '','' ORDER BY t::text COLLATE "C")) AS x FROM %s t'`;
/** Reads everything in database `shop` that must survive: rows of all tables, large objects, sequences, grants, settings. */
export const CONTENT = `
  SELECT string_agg(relname || ' ' || (xpath('/row/x/text()', query_to_xml(format(${SUM}, oid::regclass), false, true, '')))[1], ' ' ORDER BY relname)
    FROM pg_class WHERE relkind IN ('r', 'm', 'p') AND relnamespace = 'public'::regnamespace;
  SELECT md5(string_agg(lo_get(oid)::text, '' ORDER BY oid)) FROM pg_largeobject_metadata;
  SELECT string_agg(sequencename || ' ' || last_value, ' ' ORDER BY sequencename) FROM pg_sequences;
  SELECT has_table_privilege('writer', 't1', 'SELECT'), has_table_privilege('writer', 't1', 'INSERT'), has_table_privilege('reader', 't1', 'INSERT');
  SELECT rolpassword FROM pg_authid WHERE rolname = 'writer';
  SELECT setconfig FROM pg_db_role_setting;`;

/** The answers to {@link CONTENT}. */
export function content(server: Container): Promise<string> {
  return ask(server, "shop", CONTENT);
}

/** A stopped database on its own volume, and what `content` says about it. */
export interface Shop {
  volume: string;
  content: string;
}

/** Rows of each table of `withShop`; with 200 tables of 30000 rows it has 1 GB. */
export const ROWS = Number(process.env.UPGRADE_ROWS ?? 200);
const shop: Shop = { volume: "", content: "" };

/**
 * Gives the tests of a `describe` the database of PostgreSQL 17 that they upgrade copies of: created once for all files,
 * filled in when the first of the tests begins.
 */
export function withShop(): Readonly<Shop> {
  before("a database of PostgreSQL 17", async function () {
    this.timeout("10m");
    needMajors(this, 17);
    if (shop.volume) return;
    const tables = Number(process.env.UPGRADE_TABLES ?? 20);
    Object.assign(shop, await shared("shop", () => prepareShop(17, { tables, rows: ROWS })));
  });
  return shop;
}

/** A volume with a stopped database of this major that holds `shop`, its base backup, and its programs. */
export async function prepareShop(
  major: number,
  { tables = 20, rows = 200, variables = {} as Record<string, string> } = {},
): Promise<Shop> {
  const volume = await newSharedVolume();
  const server = await boot(volume, variables, await imageOf(major));
  await server.sql("CREATE DATABASE shop");
  await ask(server, "shop", shopSql(tables, rows));
  const before = await content(server);
  const { code, stderr } = await server.exec("backup.sh");
  if (code !== 0) throw new Error(stderr);
  await keptPrograms(server);
  await server.stop();
  await server.remove();
  return { volume, content: before };
}

/** Waits until the programs of a server's major are on its volume. */
export function keptPrograms(server: Container): Promise<void> {
  const kept = `ls ${VOLUME}/.postgres-stack/binaries | grep -qE '^[0-9]+-[0-9a-f]{12}$'`;
  return server.holds("the programs are kept on the volume", kept);
}

/** Waits until the upgrade is recorded as done; its base backup may still be under way. */
export async function upgradeDone(server: Container): Promise<void> {
  await server.logged(/upgrade \S+ done: .*total \d+ s/, 300);
}

/** Waits until the upgrade is recorded as done, has its base backup, and its journal is closed. */
export async function upgraded(server: Container): Promise<void> {
  await upgradeDone(server);
  await server.holds("the journal is closed", `[ ! -e ${VOLUME}/.postgres-stack/upgrade ]`, 300);
}

/** Whether a volume's files can share blocks, as mode clone needs: on XFS and Btrfs they can, on ext4 not. */
export async function sharesBlocks(volume: string): Promise<boolean> {
  const probe = `cd ${VOLUME} && touch probe && cp --reflink=always probe probe.clone; code=$?; rm -f probe*; exit $code`;
  return (await runOnce(["-v", `${volume}:${VOLUME}`], ["bash", "-c", probe])).code === 0;
}

/** Upgrades a copy of a volume to 18, with permission to rebuild indexes. */
export async function upgradeCopy(from: string, variables: Record<string, string> = {}) {
  const volume = await copyOf(from);
  const server = await bootMajor(18, volume, upgrade({ PG_REINDEX_COLLATIONS: "true", ...variables }));
  await upgraded(server);
  return { volume, server };
}

/** Starts the image of a major on a volume. */
export async function bootMajor(
  major: number,
  volume: string,
  variables: Record<string, string> = {},
): Promise<Container> {
  return boot(volume, variables, await imageOf(major));
}

/** Runs the image of 18 on a volume until it refuses to start. */
export async function refused(volume: string, variables: Record<string, string>): Promise<Result> {
  const result = await runOnce(options(volume, variables));
  expect(result.code, result.stderr.slice(-2000)).to.equal(1);
  return result;
}

/** Starts the image of 17, which serves all data on the volume. */
export async function serveOld(
  volume: string,
  expected: string,
  variables: Record<string, string> = {},
): Promise<Container> {
  const server = await bootMajor(17, volume, variables);
  expect(await content(server)).to.equal(expected);
  return server;
}

/** Creates an extension that no other image has. */
export async function withOwnExtension(server: Container): Promise<void> {
  const control = "/usr/share/postgresql/17/extension/ours";
  const files = `echo "default_version = '1'" >${control}.control; echo 'SELECT 1;' >${control}--1.sql`;
  expect((await server.exec("bash", "-c", files)).code).to.equal(0);
  await ask(server, "shop", "CREATE EXTENSION ours");
}
