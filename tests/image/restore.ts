import { until } from "../../local/process";
import { Container, environment, must, newSharedVolume, newVolume, runOnce } from "./docker";
import { shared } from "./once";

/** Volume root in the container; the archive is on the same volume, so that one copy takes both. */
export const VOLUME = "/var/lib/postgresql";
const ARCHIVE = { WALG_FILE_PREFIX: `${VOLUME}/archive`, BACKUP_SCHEDULE: "external" };

/** A stopped database: rows 1 to 25, base backups after rows 10 and 20, and ways to name the moments between. */
export interface Prepared {
  volume: string;
  backups: string[];
  /** Targets by kind; each leaves exactly the rows up to its number. */
  targets: Record<"time" | "lsn" | "name" | "xid", { to: string; rows: number }>;
  /** A time at which the first base backup had not ended. */
  tooEarly: string;
  /** A time between rows 22 and 23, after the second base backup. */
  late: string;
}

const NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;

/** Options that put a volume and the variables into a container. The password defaults to `new`. */
export function options(volume: string, variables: Record<string, string> = {}): string[] {
  return ["-v", `${volume}:${VOLUME}`, ...environment(withArchive(variables))];
}

/** Variables of a database that archives onto its volume. The password defaults to `new`. */
export function withArchive(variables: Record<string, string> = {}): Record<string, string> {
  return { ...ARCHIVE, POSTGRES_PASSWORD: "new", ...variables };
}

/** The environment that requests a restore. */
export function request(to: string, more: Record<string, string> = {}): Record<string, string> {
  return { RESTORE_ID: "one", RESTORE_TO: to, ...more };
}

/** Inserts rows, each committed before the next. Returns the transaction of the last. */
export async function insert(database: Container, first: number, last: number): Promise<string> {
  const loop = `FOR n IN ${first}..${last} LOOP INSERT INTO rows VALUES (n); COMMIT; END LOOP`;
  await database.sql(`DO $$ BEGIN ${loop}; END $$`);
  return database.sql(`SELECT xmin FROM rows WHERE n = ${last}`);
}

/** The rows as `count..last`; `25..25` is the whole of the prepared database. */
export function rows(database: Container): Promise<string> {
  return database.sql("SELECT count(*) || '..' || max(n) FROM rows");
}

/** Takes a base backup, after the one that a restore or an undo takes on its own. */
export async function backup(database: Container): Promise<void> {
  await settled(database);
  const { code, stderr } = await database.exec("backup.sh");
  if (code !== 0) throw new Error(stderr);
}

/** Names of the base backups, oldest first. */
export async function backups(database: Container): Promise<string[]> {
  const list = await database.bash(". /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
  return list.stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith("base_"));
}

/** Starts a container and waits until its server has the environment's passwords, including a restore. */
export async function boot(
  volume: string,
  variables: Record<string, string> = {},
  image?: string,
): Promise<Container> {
  const database = await Container.start(options(volume, variables), [], image);
  await database.isUp();
  return database;
}

let prepared: Promise<Prepared> | undefined;

/** The database whose copies the tests restore, created once for all files. Its password was `old`. */
export function prepare(): Promise<Prepared> {
  prepared ??= shared("prepared-database", makeDatabase);
  return prepared;
}

/** The same for the tests of a suite; empty until they run. */
export function givenPrepared(): Prepared {
  const given = {} as Prepared;
  before("the prepared database", async function () {
    this.timeout("5m");
    Object.assign(given, await prepare());
  });
  return given;
}

async function makeDatabase(): Promise<Prepared> {
  const volume = await newSharedVolume();
  const database = await boot(volume, { POSTGRES_PASSWORD: "old" });
  await database.sql("CREATE TABLE rows (n int PRIMARY KEY)");
  const tooEarly = await database.sql(`SELECT ${NOW}`);
  await insert(database, 1, 10);
  await backup(database);
  await insert(database, 11, 13);
  const time = await database.sql(`SELECT ${NOW}`);
  await insert(database, 14, 15);
  const lsn = await database.sql("SELECT pg_current_wal_lsn()");
  const xid = await insert(database, 16, 17);
  await insert(database, 18, 18);
  await database.sql("SELECT pg_create_restore_point('before-migration')");
  await insert(database, 19, 20);
  await database.sql("SELECT pg_switch_wal()");
  await backup(database);
  await insert(database, 21, 22);
  const late = await database.sql(`SELECT ${NOW}`);
  await insert(database, 23, 25);
  const names = await backups(database);
  await database.stop();
  await database.remove();
  const targets = {
    time: { to: time, rows: 13 },
    lsn: { to: `lsn:${lsn}`, rows: 15 },
    xid: { to: `xid:${xid}`, rows: 17 },
    name: { to: "name:before-migration", rows: 18 },
  };
  return { volume, backups: names, targets, tooEarly, late };
}

/** A network costs as much as everything else that Docker does for a container. */
const ALONE = ["--network", "none"];
const COPY = `cp -a /from/. ${VOLUME}; gosu postgres bash -ec "$1"`;

/** A copy of a volume on which no server runs, with the times of its files, changed by a script. */
export async function copyOf(volume: string, script = ":"): Promise<string> {
  const copy = await newVolume();
  const mounts = ["-v", `${volume}:/from:ro`, "-v", `${copy}:${VOLUME}`];
  const result = await runOnce([...mounts, ...ALONE], ["bash", "-ec", COPY, "copy", script]);
  if (result.code !== 0) throw new Error(result.stderr);
  return copy;
}

/** Like `boot`, on a copy of a volume, changed by a script; the copy goes with the container. */
export async function bootCopy(
  volume: string,
  variables: Record<string, string> = {},
  script = ":",
): Promise<Container> {
  const database = await Container.start(
    ["-v", `${volume}:/from:ro`, ...environment(withArchive(variables))],
    ["bash", "-ec", `${COPY}; exec entrypoint.sh postgres`, "copy", script],
  );
  await database.isUp();
  return database;
}

/** Changes a volume on which no server runs. */
export async function change(volume: string, script: string): Promise<void> {
  const result = await runOnce(
    ["-v", `${volume}:${VOLUME}`, ...ALONE],
    ["gosu", "postgres", "bash", "-ec", script],
  );
  if (result.code !== 0) throw new Error(result.stderr);
}

/** Waits until the restore is recorded as done; its base backup may still be under way. */
export async function restoreDone(database: Container): Promise<void> {
  await database.logged(/(restore \S+|clone) done: .*total \d+ s/, 300);
}

/** Waits until the restore is recorded as done, its base backup is stored, and its journal is closed. */
export async function restored(database: Container): Promise<void> {
  await restoreDone(database);
  await settled(database);
}

/** Waits until nothing is left to do for a restore or an undo. */
export function settled(database: Container): Promise<void> {
  return database.holds("the journal is closed", `[ ! -e ${VOLUME}/.postgres-stack/restore ]`, 300);
}

/** Runs `work` for each item, a few at a time, each in a lane. Returns the results as promises, by item. */
export function inTurn<T>(
  items: string[],
  atOnce: number,
  work: (item: string, lane: number) => Promise<T>,
): Map<string, Promise<T>> {
  const lanes: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  return new Map(
    items.map((item, index) => {
      const lane = index % atOnce;
      const result = (lanes[lane] as Promise<unknown>).then(() => work(item, lane));
      lanes[lane] = result.catch(() => undefined);
      result.catch(() => undefined);
      return [item, result];
    }),
  );
}

/** Removes a volume. */
export function removeVolume(volume: string): Promise<string> {
  return must(["volume", "rm", volume]);
}

/** Waits until a segment of the present timeline is archived without a failure. */
export async function switched(database: Container): Promise<void> {
  await database.sql("SELECT pg_logical_emit_message(true, 'test', 'a segment to archive')");
  const segment = await database.sql("SELECT pg_walfile_name(pg_current_wal_lsn())");
  await database.sql("SELECT pg_switch_wal()");
  const done = `SELECT last_archived_wal >= '${segment}' AND failed_count = 0 FROM pg_stat_archiver`;
  await until("the timeline is archived", async () => (await database.sql(done)) === "t");
}
