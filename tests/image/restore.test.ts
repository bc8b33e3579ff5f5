import { expect } from "chai";
import { until } from "../../local/process";
import { Container, runOnce } from "./docker";
import "./hooks";
import {
  backups,
  boot,
  bootCopy,
  change,
  copyOf,
  insert,
  inTurn,
  options,
  type Prepared,
  prepare,
  request,
  restoreDone,
  restored,
  rows,
  settled,
  switched,
  VOLUME,
} from "./restore";

const KINDS = ["time", "lsn", "xid", "name"] as const;

let prepared: Prepared;

/** Starts a container that restores, and waits until the restore is done. */
async function restore(variables: Record<string, string>, volume: string): Promise<Container> {
  const database = await boot(volume, variables);
  await restoreDone(database);
  return database;
}

/** Like `restore`, on a copy of the prepared volume, changed by a script. */
async function restoreCopy(variables: Record<string, string>, script?: string): Promise<Container> {
  const database = await bootCopy(prepared.volume, variables, script);
  await restoreDone(database);
  return database;
}

describe("image: a restore", () => {
  let runs = new Map<string, Promise<{ rows: string; login: string; old: number; backups: string[] }>>();

  before(async function () {
    this.timeout("5m");
    prepared = await prepare();
    runs = inTurn([...KINDS], 2, async (kind) => {
      const database = await restoreCopy(request(prepared.targets[kind as (typeof KINDS)[number]].to));
      await settled(database);
      await switched(database);
      const result = {
        rows: await rows(database),
        login: (await database.login("postgres", "new")).stdout,
        old: (await database.login("postgres", "old")).code,
        backups: await backups(database),
      };
      await database.remove();
      return result;
    });
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  for (const kind of KINDS) {
    it(`to a ${kind} between two base backups holds exactly the rows acknowledged before it`, async () => {
      const { rows: wanted } = prepared.targets[kind];
      expect((await runs.get(kind))?.rows).to.equal(`${wanted}..${wanted}`);
    });

    it(`to a ${kind} has today's password, archives, and has a base backup of the new timeline`, async () => {
      const result = await runs.get(kind);
      expect(result?.login).to.equal("1");
      expect(result?.old).not.to.equal(0);
      expect(result?.backups.at(-1)).to.match(/^base_00000002/);
    });
  }

  it("to the latest keeps what a killed server had not archived", async () => {
    const volume = await copyOf(prepared.volume);
    const killed = await boot(volume);
    await insert(killed, 26, 26);
    await killed.kill("KILL");
    await killed.ends();
    await killed.remove();
    const database = await restore(request("latest"), volume);
    expect(await rows(database)).to.equal("26..26");
    await database.remove();
  });

  it("to a time after the last commit holds all rows", async () => {
    const database = await restoreCopy(request(new Date().toISOString()));
    expect(await rows(database)).to.equal("25..25");
    expect(await database.logs()).to.contain("no commit came after the target");
    await database.remove();
  });

  it("can follow another: to the new timeline's latest, and back to a time on the old one", async () => {
    const volume = await copyOf(prepared.volume);
    const first = await restore(request(prepared.targets.time.to), volume);
    await settled(first);
    await insert(first, 101, 103);
    await switched(first);
    await first.end();
    const second = await restore(request("latest", { RESTORE_ID: "two" }), volume);
    await settled(second);
    expect(await rows(second)).to.equal("16..103");
    await switched(second);
    await second.end();
    const third = await restore(request(prepared.late, { RESTORE_ID: "three" }), volume);
    expect(await rows(third)).to.equal("22..22");
    await switched(third);
    expect(await third.sql("SELECT timeline_id FROM pg_control_checkpoint()")).to.equal("4");
    await third.remove();
  });

  it("asked for by hand gives way to a new one of the environment, and is not carried out later", async () => {
    const volume = await copyOf(prepared.volume);
    const database = await boot(volume);
    const byHand = await database.exec("restore.sh", "--to", prepared.targets.lsn.to, "--id", "by-hand");
    expect(byHand.code, byHand.stderr).to.equal(0);
    await database.end();
    const wanted = request(prepared.targets.time.to);
    const restarted = await restore(wanted, volume);
    await settled(restarted);
    expect(await rows(restarted)).to.equal("13..13");
    expect(await restarted.logs()).to.match(
      /WARN .* restore by-hand, asked for by hand, gives way to restore one/,
    );
    await restarted.end();
    const again = await boot(volume, wanted);
    expect(await rows(again)).to.equal("13..13");
    await again.remove();
  });

  it("from another archive archives on below its own prefix", async () => {
    const volume = await copyOf(prepared.volume, `rm -r ${VOLUME}/18 ${VOLUME}/.postgres-stack`);
    const own = { WALG_FILE_PREFIX: `${VOLUME}/own` };
    await (await boot(volume, own)).end();
    const from = request("latest", { ...own, RESTORE_FROM: `${VOLUME}/archive/18` });
    const database = await restore(from, volume);
    await settled(database);
    expect(await rows(database)).to.equal("25..25");
    await switched(database);
    expect(await backups(database)).to.have.length(1);
    await database.remove();
  });

  it("fills a volume that was lost", async () => {
    const lost = `rm -r ${VOLUME}/18 ${VOLUME}/.postgres-stack`;
    const database = await restoreCopy(request("latest", { VOLUME_OWNER: "stack/one" }), lost);
    expect(await rows(database)).to.equal("25..25");
    expect((await database.exec("cat", `${VOLUME}/.postgres-stack/owner`)).stdout).to.equal("stack/one");
    await database.remove();
  });

  it("ends at once when it is told to stop, and goes on where it was when the archive is back", async () => {
    const segment = `${VOLUME}/archive/18/wal_005/000000010000000000000003.*`;
    const volume = await copyOf(prepared.volume, `chmod 000 ${segment}`);
    const wanted = request(prepared.targets.time.to);
    const stopped = await Container.start(options(volume, wanted));
    await stopped.logged(/WARN .* recovery stopped \(attempt 1 of 3/, 180);
    await stopped.kill("TERM");
    expect(await stopped.ends(10)).to.equal(143);
    await stopped.remove();
    await change(volume, `chmod 600 ${segment}`);
    const database = await restore(wanted, volume);
    expect(await database.logs()).to.contain("was interrupted at step recovering and goes on");
    expect(await rows(database)).to.equal("13..13");
    await database.remove();
  });

  it("begins the fetch anew after a restart of the machine: nothing waited for the disk", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.time.to);
    const kill = { POSTGRES_STACK_KILL_AT: "verifying:before" };
    expect((await runOnce(options(volume, { ...wanted, ...kill }))).code).to.equal(137);
    await change(volume, `sed -i 's/^boot_id=.*/boot_id=another/' ${VOLUME}/.postgres-stack/restore`);
    const database = await restore(wanted, volume);
    expect(await database.logs()).to.match(/the machine restarted meanwhile(.|\n)*restore one: fetching/);
    expect(await rows(database)).to.equal("13..13");
    await database.remove();
  });

  it("uses an older base backup where a part of the newest is gone", async () => {
    const part = `${VOLUME}/archive/18/basebackups_005/${prepared.backups[1]}/tar_partitions/part_001*`;
    const database = await restoreCopy(request("latest"), `rm ${part}`);
    expect(await database.logs()).to.match(
      /WARN .* its part part_001\S+ is missing; looking for an older one/,
    );
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });

  it("happens once, is alive while it runs, can be undone, and keeps nothing of the old data when told so", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.lsn.to);
    const database = await Container.start(options(volume, wanted));
    const state = await until("the startup probe sees it", async () => {
      const probe = await database.probe("startup");
      return probe.code === 0 && probe.stdout;
    });
    expect(state).to.match(/^restoring: /);
    expect((await database.probe("liveness")).code).to.equal(0);
    await database.isUp();
    await restored(database);
    // another C library than the record's may have ordered other data
    expect(await database.logs()).to.contain("collations: looking at the data privately");
    await insert(database, 99, 99);
    await database.end();

    const again = await boot(volume, wanted);
    expect(await rows(again)).to.equal("16..99");
    expect(await again.logs()).not.to.contain("collations:");
    await again.end();

    const undone = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    expect(await rows(undone)).to.equal("25..25");
    expect(await undone.logs()).to.contain("collations: looking at the data privately");
    await switched(undone);
    await undone.end();

    const discard = { RESTORE_ID: "two", RESTORE_KEEP_OLD: "false" };
    const last = await restore({ ...wanted, ...discard }, volume);
    await settled(last);
    expect((await last.exec("ls", `${VOLUME}/18`)).stdout).to.equal("docker");
    await last.remove();
  });
});
