import { expect } from "chai";
import { until } from "../../local/process";
import type { Container } from "./docker";
import "./hooks";
import { archiving, fill, needStore, type Restoring, removeArchives } from "./store";

const WAITING = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '\\.ready$'";
const SEGMENTS = 20;
/** Seconds. */
const STALL = 4;
/** Small segments, so that the line can be slow in proportion: one of noise takes 3 s, 20 at once a minute. */
const SMALL = { POSTGRES_INITDB_ARGS: "--wal-segsize=1", ARCHIVE_TIMEOUT: "3600" };
const RATE = 350_000;

/** Runs backup.sh in the background. Returns its result. */
const backup = (database: Container) => database.exec("backup.sh");

async function fillSegments(database: Container): Promise<void> {
  await database.sql("CREATE TABLE IF NOT EXISTS rows (n int, noise bytea)");
  await until("enough waits", async () => {
    await fill(database, 2_000_000);
    return Number(await database.sql(WAITING)) >= SEGMENTS;
  });
}

describe("image: an object store that accepts and never answers", () => {
  let run: Restoring;

  before(async function () {
    this.timeout("3m");
    needStore(this);
    run = await archiving("hung", { BACKUP_STALL_SECONDS: `${STALL}`, ARCHIVE_DEADLINE: "60" });
  });
  after(async () => {
    await run?.database.remove();
    await removeArchives();
  });

  it("ends a base backup that was under way, with its lock, and the next one runs", async function () {
    // after three failures PostgreSQL waits a minute before it archives again, and the backup waits for that
    this.timeout("4m");
    const { proxy, database } = run;
    proxy.throttleUploads(100_000);
    const hung = backup(database);
    const busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postgres-stack/backup'";
    await until("the upload runs", async () => {
      const io = await database.bash("cat /proc/$(pgrep -f '^wal-g backup-push')/io");
      return Number(io.stdout.match(/wchar: (\d+)/)?.[1] ?? 0) > 200_000;
    });
    proxy.hang();
    const { code, stderr } = await hung;
    expect(code, stderr).to.equal(1);
    expect(stderr).to.match(/ERROR \[backup\] wal-g backup-push: nothing has moved for 4 s, so it was ended/);
    await until("the lock is free", async () => (await database.sql(busy)) === "0");
    expect((await database.exec("pgrep", "-f", "^wal-g backup-push")).code).to.equal(1);
    proxy.throttleUploads(Number.POSITIVE_INFINITY);
    proxy.resume();
    const next = await backup(database);
    expect(next.code, next.stderr).to.equal(0);
    expect(next.stderr).not.to.contain("another backup is running");
  });

  it("ends every other call of WAL-G too: lists, st, delete, fetch", async () => {
    const { proxy, database } = run;
    proxy.hang();
    for (const call of [
      "backup-list",
      "st ls",
      "st cat x",
      "st rm x",
      "st put /etc/hostname x",
      "delete retain FULL 1 --confirm",
      "wal-fetch 000000010000000000000001 /tmp/x",
    ]) {
      const script = `LIB=/usr/local/bin/lib; for f in common/{log,attempt,watch,environment} archive/walg; do . $LIB/$f.sh; done; load_walg_env
        walg_within 2 ${call}; echo "$? $WALG_ERROR"`;
      const { stdout } = await database.bash(script);
      expect(stdout, call).to.equal("142 no answer within 2 s");
    }
    proxy.resume();
  });

  it("is not blamed while a base backup waits for the server", async () => {
    const { database } = run;
    await database.exec("pkill", "-STOP", "-f", "^postgres: checkpointer");
    const waiting = backup(database);
    await until("it has waited for longer than the limit", async () => {
      const age = await database.bash("ps -o etimes= -p $(pgrep -f '^wal-g backup-push')");
      return Number(age.stdout) > 2.5 * STALL;
    });
    await database.exec("pkill", "-CONT", "-f", "^postgres: checkpointer");
    const { code, stderr } = await waiting;
    expect(code, stderr).to.equal(0);
  });
});

describe("image: an uplink of which many segments have to share", () => {
  // Waiting segments are uploaded 16 at once: together they take longer than the deadline.
  const LINES: Record<string, { deadline: number; never?: string }> = {
    "while they move, and ends none": { deadline: 10, never: "not archived: it was not done within" },
    "also where the deadline is shorter than any of them takes": { deadline: 1 },
  };
  const runs = new Map<string, Promise<Restoring>>();

  before(async function () {
    this.timeout("3m");
    needStore(this);
    for (const [how, { deadline }] of Object.entries(LINES)) {
      const limits = { ...SMALL, ARCHIVE_DEADLINE: `${deadline}` };
      runs.set(how, archiving(`slow-${deadline}`, limits).then(startSlowly));
    }
    await Promise.all(runs.values());
  });
  after(removeArchives);

  /** Lets segments pile up while the store is away. */
  async function startSlowly(run: Restoring): Promise<Restoring> {
    await run.proxy.stop();
    await fillSegments(run.database);
    run.proxy.throttleUploads(RATE);
    await run.proxy.start();
    return run;
  }

  for (const [how, { never }] of Object.entries(LINES)) {
    it(`gets all of them ${how}`, async function () {
      this.timeout("6m");
      const { database } = (await runs.get(how)) as Restoring;
      await until("all segments are archived", async () => (await database.sql(WAITING)) === "0", 300);
      // `no answer` was logged while the store was away
      if (never) expect(await database.logs()).not.to.contain(never);
      await database.remove();
    });
  }
});
