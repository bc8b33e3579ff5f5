import { expect } from "chai";
import fc from "fast-check";
import { Container, docker, newVolume } from "./docker";
import "./hooks";
import { backup, backups, boot, copyOf, inTurn, options, removeVolume, request } from "./restore";

/** Draws the targets; RESTORE_SEED repeats a run's draw, from that run's own log. */
const SEED = Number(process.env.RESTORE_SEED || Date.now() % 2 ** 31);

const SESSIONS = 3;
const ROWS = 12; // of each session, while a base backup is taken and once more after it
const NAMES = 3; // restore points after each base backup
const ROUNDS = 4;

/** Targets of each kind after each of the base backups: 20 in all. */
const DRAWN = { time: 2, lsn: 2, name: 1 } as const;
type Kind = keyof typeof DRAWN;
const TARGETS = Array.from({ length: ROUNDS }, (_, round) => round).flatMap((round) =>
  (Object.keys(DRAWN) as Kind[]).flatMap((kind) =>
    Array.from({ length: DRAWN[kind] }, (_, index) => ({
      kind,
      round,
      title: `${kind} ${round}.${index}`,
    })),
  ),
);

/** A moment as a session saw it: microseconds since 1970, and bytes of WAL. */
type Moment = Record<"time" | "lsn", number>;
/** The moments right before a session sent a statement and right after the server acknowledged it. */
interface Logged {
  what: string;
  sent: Moment;
  acknowledged: Moment;
}
/** What was logged outside the database; the base backups, and the moments at which they existed. */
interface Log {
  rows: Logged[];
  points: Logged[];
  backups: string[];
  rounds: Moment[];
}

const MOMENT = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_wal_insert_lsn() - '0/0'::pg_lsn`;
const note = (what: string) => `SELECT '${what}', ${MOMENT};`;

/** Rows, each in a separate transaction; some transactions between them are rolled back. */
const rowsFrom = (first: number) =>
  Array.from({ length: ROWS }, (_, index) => first + index).map((n) =>
    [
      "SELECT pg_advisory_lock_shared(1);",
      n % 3 ? "" : `BEGIN; INSERT INTO rows VALUES (${-n}); ROLLBACK;`,
      note(`${n}`),
      `INSERT INTO rows VALUES (${n});`,
      note(`${n}`),
      "SELECT pg_advisory_unlock_shared(1);",
      "SELECT pg_sleep(random() / 20);",
    ].join("\n"),
  );

/** Restore points; the lock keeps them out of the middle of a commit, where before and after could not be told apart. */
const pointsOf = (round: number) =>
  Array.from({ length: NAMES }, (_, index) => `point-${round}-${index}`).map((name) =>
    [
      "SELECT pg_sleep(random() / 5);",
      "SELECT pg_advisory_lock(1);",
      note(name),
      `SELECT FROM pg_create_restore_point('${name}');`,
      note(name),
      "SELECT pg_advisory_unlock(1);",
    ].join("\n"),
  );

/** Runs statements one by one in a session. Returns the moments. */
async function session(database: Container, statements: string[]): Promise<Logged[]> {
  const psql = ["psql", "-U", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1"];
  const { code, stdout, stderr } = await docker(["exec", "-i", database.id, ...psql], statements.join("\n"));
  if (code !== 0) throw new Error(stderr);
  const notes = stdout
    .split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => line.split("|"))
    .map(([what = "", time, lsn]) => ({ what, moment: { time: Number(time), lsn: Number(lsn) } }));
  return notes.flatMap(({ what, moment }, index) =>
    index % 2 ? [{ what, sent: notes[index - 1]?.moment as Moment, acknowledged: moment }] : [],
  );
}

/** Creates a database in which several sessions write at the same time, also during base backups. */
async function write(volume: string): Promise<Log> {
  const database = await boot(volume);
  await database.sql("CREATE TABLE rows (n int PRIMARY KEY)");
  const log: Log = { rows: [], points: [], backups: [], rounds: [] };
  let next = 1;
  const writers = () =>
    Array.from({ length: SESSIONS }, async () => {
      const first = next;
      next += ROWS;
      log.rows.push(...(await session(database, rowsFrom(first))));
    });
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([...writers(), backup(database)]);
    log.rounds.push(await moment(database));
    const points = session(database, pointsOf(round)).then((made) => log.points.push(...made));
    await Promise.all([...writers(), points]);
  }
  log.rounds.push(await moment(database));
  log.backups = await backups(database);
  await database.stop();
  await database.remove();
  return log;
}

async function moment(database: Container): Promise<Moment> {
  const [time, lsn] = (await database.sql(`SELECT ${MOMENT}`)).split("|");
  return { time: Number(time), lsn: Number(lsn) };
}

/** The spans, within a round, in which no row was sent but not yet acknowledged. */
function quiet({ rows, rounds }: Log, round: number, of: keyof Moment): [number, number][] {
  const end = (rounds[round + 1] as Moment)[of];
  let last = (rounds[round] as Moment)[of];
  const spans: [number, number][] = [];
  for (const { sent, acknowledged } of [...rows].sort((a, b) => a.sent[of] - b.sent[of])) {
    // a time is compared with <=, a position with <: both ends of a span of times are left out
    if (sent[of] > last + 1 && sent[of] <= end) spans.push([last + 1, sent[of] - 1]);
    last = Math.max(last, acknowledged[of]);
  }
  return spans;
}

/** A target drawn from those that the log leaves no doubt about, and the rows acknowledged before it. */
function draw(log: Log, kind: Kind, round: number, seed: number): { to: string; rows: number[] } {
  const pick = <T>(items: T[]) => fc.sample(fc.constantFrom(...items), { seed, numRuns: 1 })[0] as T;
  const before = (of: keyof Moment, at: number) =>
    log.rows
      .filter(({ acknowledged }) => acknowledged[of] <= at)
      .map(({ what }) => Number(what))
      .sort((a, b) => a - b);
  if (kind === "name") {
    const { what, sent } = pick(log.points.filter(({ what }) => what.startsWith(`point-${round}-`)));
    return { to: `name:${what}`, rows: before("time", sent.time) };
  }
  const [first, last] = pick(quiet(log, round, kind));
  const [at = first] = fc.sample(fc.integer({ min: 0, max: last - first }), { seed, numRuns: 1 });
  const value = first + at;
  return { to: kind === "time" ? timeText(value) : lsnText(value), rows: before(kind, value) };
}

const timeText = (microseconds: number) =>
  `${new Date(Math.floor(microseconds / 1000)).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}Z`;
const lsnText = (bytes: number) =>
  `lsn:${Math.floor(bytes / 2 ** 32).toString(16)}/${(bytes % 2 ** 32).toString(16)}`;

/** The rows of a restored database, and the base backup with which the restore began. */
interface Outcome {
  to: string;
  expected: number[];
  rows: string;
  used: string;
}

describe(`image: a restore to a random target (RESTORE_SEED=${SEED})`, () => {
  let log: Log;
  let runs = new Map<string, Promise<Outcome>>();

  before(async function () {
    this.timeout("5m");
    const volume = await newVolume();
    log = await write(volume);
    expect(log.rows).to.have.length(SESSIONS * ROWS * ROUNDS * 2);
    const seeds = fc.sample(fc.integer(), { seed: SEED, numRuns: TARGETS.length });
    const drawn = TARGETS.map(({ kind, round }, index) => draw(log, kind, round, seeds[index] as number));
    const titles = TARGETS.map(({ title }) => title);
    runs = inTurn(titles, 2, async (title) => {
      const { to, rows: expected } = drawn[titles.indexOf(title)] as (typeof drawn)[number];
      const { kind, round } = TARGETS[titles.indexOf(title)] as (typeof TARGETS)[number];
      const copy = await copyOf(volume);
      // only replay shows where a name is, so without its backup the search would begin at the newest one
      const more: Record<string, string> =
        kind === "name" ? { RESTORE_BACKUP: log.backups[round] as string } : {};
      const database = await Container.start(options(copy, request(to, more)));
      const used = await database.logged(/(?<=; using )base_\w+/, 300);
      await database.logged(/restore one done: /, 300);
      const rows = await database.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM rows");
      await database.remove();
      await removeVolume(copy);
      return { to, expected, rows, used };
    });
  });
  beforeEach(function () {
    this.currentTest?.timeout("10m");
  });

  for (const { title, round } of TARGETS) {
    it(`holds exactly the rows acknowledged before it, and none after: ${title}`, async () => {
      const { to, expected, rows, used } = (await runs.get(title)) as Outcome;
      expect(expected).not.to.be.empty;
      expect(rows, to).to.equal(expected.join(" "));
      // the next base backup may have ended before the round did
      expect(log.backups.slice(round, round + 2)).to.include(used);
    });
  }
});
