import type { Context } from "mocha";
import { until } from "../../local/process";
import { StoreProxy } from "../lib/proxy";
import { skip } from "../lib/skip";
import { Container, environment, newVolume, runOnce } from "./docker";
import { backup, copyOf, VOLUME } from "./restore";

const { S3_ENDPOINT = "", S3_BUCKET, S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
const FOLDER = `restore-faults-${process.pid}-${Date.now()}`;
/** Bytes of incompressible noise in each segment after the base backup; the last takes longest. */
const SEGMENTS = [400_000, 400_000, 400_000, 400_000, 1_500_000];
const BASE = 2_000_000;
const proxies: StoreProxy[] = [];

const storeIsThere = Boolean(S3_BUCKET);

/** Counts the tests as skipped, and says why, when there is no S3 store to test with. */
export function needStore(test: Context): void {
  if (!storeIsThere) skip(test, "an object store (S3_ENDPOINT, S3_BUCKET, ...) is missing");
}

/** An archive in S3, the rows at its end, and a volume with an unrelated database. */
export interface Archived {
  prefix: string;
  content: string;
  old: { volume: string; content: string };
}

/** A database that reaches its store through its own proxy. */
export interface Restoring {
  proxy: StoreProxy;
  database: Container;
}

/** Rows and their digest: equal in two databases only if the rows are. */
export function content(database: Container): Promise<string> {
  return database.sql(
    "SELECT count(*) || ' rows, ' || md5(string_agg(n || md5(noise), ' ' ORDER BY n)) FROM rows",
  );
}

/** Inserts rows with this many bytes of noise in total. */
export async function fill(database: Container, bytes: number): Promise<void> {
  const noise =
    "SELECT string_agg(sha512((n || ':' || part || random())::text::bytea), '') FROM generate_series(1, 16) part";
  const first = "(SELECT coalesce(max(n), 0) + 1 FROM rows)";
  await database.sql(
    `INSERT INTO rows SELECT n, (${noise}) FROM generate_series(${first}, ${first} + ${bytes / 1024}) n`,
  );
}

function store(prefix: string, endpoint: string): string[] {
  return environment({
    POSTGRES_PASSWORD: "secret",
    BACKUP_SCHEDULE: "external",
    WALG_S3_PREFIX: prefix,
    AWS_ENDPOINT: endpoint,
    AWS_REGION: "us-east-1",
    AWS_S3_FORCE_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY,
  });
}

/** Creates the archive and the other database. */
export async function archive(): Promise<Archived> {
  const prefix = `s3://${S3_BUCKET}/${FOLDER}/source`;
  const source = await Container.ready(store(prefix, S3_ENDPOINT));
  await source.sql("CREATE TABLE rows (n int, noise bytea)");
  await fill(source, BASE);
  await backup(source);
  for (const bytes of SEGMENTS) {
    await fill(source, bytes);
    await source.sql("SELECT pg_switch_wal()");
  }
  await until("all WAL is archived", async () => {
    const waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '\\.ready$'";
    return (await source.sql(waiting)) === "0";
  });
  const archived = await content(source);
  await source.remove();

  const volume = await newVolume();
  const other = await Container.ready([
    "-v",
    `${volume}:${VOLUME}`,
    ...environment({ POSTGRES_PASSWORD: "secret" }),
  ]);
  await other.sql("CREATE TABLE rows AS SELECT 1 AS n, 'old'::bytea AS noise");
  const old = { volume, content: await content(other) };
  await other.stop();
  await other.remove();
  return { prefix: `${prefix}/18`, content: archived, old };
}

async function newProxy(): Promise<StoreProxy> {
  const proxy = new StoreProxy(new URL(S3_ENDPOINT));
  proxies.push(proxy);
  await proxy.start();
  return proxy;
}

/** Starts a database that archives into its own prefix. */
export async function archiving(name: string, variables: Record<string, string>): Promise<Restoring> {
  const proxy = await newProxy();
  const prefix = `s3://${S3_BUCKET}/${FOLDER}/${name}`;
  const database = await Container.ready([...store(prefix, proxy.endpoint), ...environment(variables)]);
  return { proxy, database };
}

/** Starts a database on a copy of the old data with a restore request, and a store that sends this many bytes a second. */
export async function restore(
  archived: Archived,
  rate: number,
  variables: Record<string, string>,
): Promise<Restoring> {
  const proxy = await newProxy();
  proxy.throttle(rate);
  const volume = await copyOf(archived.old.volume);
  const own = `s3://${S3_BUCKET}/${FOLDER}/${volume}`;
  const wanted = { RESTORE_ID: "one", RESTORE_TO: "latest", RESTORE_FROM: archived.prefix };
  const options = [
    "-v",
    `${volume}:${VOLUME}`,
    ...store(own, proxy.endpoint),
    ...environment({ ...wanted, ...variables }),
  ];
  return { proxy, database: await Container.start(options) };
}

/** Stops the proxies, and removes what the tests wrote into the store. */
export async function removeArchives(): Promise<void> {
  if (!storeIsThere) return;
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  const { code, stderr } = await runOnce(store(`s3://${S3_BUCKET}`, S3_ENDPOINT), [
    "wal-g",
    "st",
    "rm",
    `${FOLDER}/`,
  ]);
  if (code !== 0) throw new Error(stderr);
}
