import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Container, environment, newFolder, newVolume } from "./docker";
import "./hooks";
import {
  backup,
  backups,
  boot,
  change,
  copyOf,
  givenPrepared,
  insert,
  options,
  request,
  restored,
  rows,
  switched,
  VOLUME,
} from "./restore";

const NUMBERS = "SELECT string_agg(n::text, ',' ORDER BY n) FROM rows WHERE n > 12";

describe("image: the undoing of a restore", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("6m");
  });

  const timeline = (database: Container) =>
    database.sql("SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int");

  /** What a clone of a volume's archive holds at its end. */
  async function cloned(volume: string): Promise<string> {
    const clone = await Container.start([
      "-v",
      `${volume}:/source:ro`,
      "-v",
      `${await newVolume()}:${VOLUME}`,
      ...environment({ POSTGRES_PASSWORD: "new", CLONE_FROM: "/source/archive/18" }),
    ]);
    await clone.isUp();
    const numbers = await clone.sql(NUMBERS);
    await clone.remove();
    return numbers;
  }

  it("opens a timeline of its own, which whoever follows the archive to its end gets", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.time.to);
    const database = await boot(volume, wanted);
    await restored(database);
    await insert(database, 101, 102);
    await switched(database);
    await database.end();

    const undone = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    expect(await timeline(undone)).to.equal("3");
    await insert(undone, 201, 202);
    await switched(undone);
    await backup(undone);
    expect((await backups(undone)).at(-1)).to.match(/^base_00000003/);
    await undone.end();
    expect(await cloned(volume)).to.equal("13,14,15,16,17,18,19,20,21,22,23,24,25,201,202");

    const again = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    expect(await timeline(again)).to.equal("3");
    await again.remove();
  });

  it("keeps WAL that is only on the volume, and leaves no segment half told in the archive", async () => {
    const volume = await copyOf(prepared.volume);
    const killed = await boot(volume);
    await insert(killed, 26, 26);
    const last = await killed.sql("SELECT pg_walfile_name(pg_current_wal_lsn())");
    await killed.kill("KILL");
    await killed.ends();
    await killed.remove();
    const wanted = request(prepared.targets.time.to);
    const database = await boot(volume, wanted);
    await restored(database);
    await insert(database, 101, 101);
    await database.end();

    const undone = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    expect(await rows(undone)).to.equal("26..26");
    expect(await timeline(undone)).to.equal("3");
    await insert(undone, 27, 27);
    await switched(undone);
    const stored = (await undone.exec("ls", `${VOLUME}/archive/18/wal_005`)).stdout;
    expect(stored).to.not.match(new RegExp(`^${last}\\.(lz4|zst|br|lzma)$`, "m"));
    expect(stored).to.match(new RegExp(`^00000003${last.slice(8)}`, "m"));
    await undone.end();
    expect(await cloned(volume)).to.match(/^13,.*,25,26,27$/);
  });

  it("needs no archive, and is on a timeline above all that were used although their histories are elsewhere", async () => {
    const volume = await copyOf(prepared.volume);
    const first = await boot(volume, request(prepared.targets.time.to));
    await restored(first);
    await switched(first);
    await first.end();
    // back on timeline 1: the next is 3, because 2 is only in the archive
    const wanted = request(prepared.late, { RESTORE_ID: "two", RESTORE_TIMELINE: "1" });
    const second = await boot(volume, wanted);
    await restored(second);
    expect(await timeline(second)).to.equal("3");
    await second.end();
    await change(
      volume,
      `rm ${VOLUME}/18/docker/pg_wal/*.history ${VOLUME}/18/docker.pre-restore/pg_wal/*.history`,
    );
    await change(volume, `mv ${VOLUME}/archive/18 ${VOLUME}/archive/away`);
    const undone = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    expect(await timeline(undone)).to.equal("4");
    expect(await rows(undone)).to.equal("13..13");
    const { stdout } = await undone.bash(`find ${VOLUME}/18/docker/pg_wal -name '*.history' -size 0`);
    expect(stdout).to.equal("");
    await undone.remove();
  });

  const asking = {
    "asked for while the base backup after the restore runs is carried out by the next start": "true",
    "asked for at that moment of a restore that discards the old data is carried out too": "false",
  };
  for (const [title, keep] of Object.entries(asking)) {
    it(title, async () => {
      const volume = await copyOf(prepared.volume);
      const wanted = request(prepared.targets.time.to, { RESTORE_KEEP_OLD: keep });
      const asks = newFolder({ "backup.sh": "#!/bin/bash\nrestore.sh --undo\n" });
      chmodSync(join(asks, "backup.sh"), 0o755);
      const database = await Container.start([
        ...options(volume, wanted),
        "-v",
        `${asks}/backup.sh:/usr/local/bin/backup.sh:ro`,
      ]);
      await database.logged(/the undoing of restore one is asked for/, 120);
      await restored(database);
      expect(await rows(database)).to.equal("13..13");
      await database.end();
      const next = await boot(volume, wanted);
      expect(await rows(next)).to.equal("25..25");
      expect(await next.logs()).to.contain("restore one undone");
      await next.end();
      const after = await boot(volume, wanted);
      expect(await rows(after)).to.equal("25..25");
      await after.remove();
    });
  }

  it("is refused at once where the restore discarded the old data, and by the preflight where it may any moment", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.time.to, { RESTORE_KEEP_OLD: "false" });
    const database = await boot(volume, wanted);
    await restored(database);
    const late = await database.exec("restore.sh", "--undo");
    expect(late.code).to.equal(1);
    expect(late.stderr).to.contain("nothing to undo: the data from before a restore are not on the volume");
    await database.end();
    await change(
      volume,
      `mkdir ${VOLUME}/18/docker.pre-restore; echo one >${VOLUME}/.postgres-stack/pre-restore`,
    );
    const beside = await Container.start(options(volume, { ...wanted, RESTORE_UNDO: "true" }), [
      "restore.sh",
      "--preflight",
    ]);
    expect(await beside.ends()).to.equal(1);
    expect(await beside.logs()).to.contain(
      "restore one can't be undone from here: it was to keep no copy of the old data",
    );
    await beside.remove();
  });
});
