import { expect } from "chai";
import { runOnce } from "./docker";
import "./hooks";
import {
  boot,
  change,
  copyOf,
  givenPrepared,
  insert,
  options,
  request,
  restoreDone,
  restored,
  rows,
  switched,
  VOLUME,
} from "./restore";

const OBJECTS = `${VOLUME}/archive/18/postgres-stack`;

describe("image: what a restore tells the archive", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  it("keeps a request that was left over from restoring an old state onto a volume that was lost", async () => {
    const volume = await copyOf(prepared.volume);
    const stale = request(prepared.targets.time.to);
    const database = await boot(volume, stale);
    await restored(database);
    await insert(database, 101, 103);
    await switched(database);
    await database.stop();
    await database.remove();
    await change(volume, `rm -r ${VOLUME}/18 ${VOLUME}/.postgres-stack`);

    const { code, stderr } = await runOnce(options(volume, stale));
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /restore one refused: this id was used before, as the archive knows \(it is done: to=.*\).*ask with a new id; for the newest data, to: latest.*nothing was initialised/,
    );
    const beside = await runOnce(options(volume, stale), ["restore.sh", "--preflight"]);
    expect(beside.code).to.equal(1);
    expect(beside.stderr).to.contain("this id was used before, as the archive knows");
    const { stdout } = await runOnce(["-v", `${volume}:${VOLUME}`], ["find", VOLUME, "-name", "PG_VERSION"]);
    expect(stdout).to.equal("");

    const again = await boot(volume, request("latest", { RESTORE_ID: "two" }));
    await restoreDone(again);
    expect(await rows(again)).to.equal("16..103");
    await again.remove();
  });

  it("does not restore once more where the volume has forgotten what became of it", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.time.to);
    const database = await boot(volume, wanted);
    await restored(database);
    await insert(database, 99, 99);
    await database.stop();
    await database.remove();
    await change(volume, `rm -r ${VOLUME}/.postgres-stack/restores`);
    const again = await boot(volume, wanted);
    expect(await rows(again)).to.equal("14..99");
    expect(await again.logs()).to.match(
      /ERROR .* restore one refused: this id was used before, as the archive knows/,
    );
    await again.remove();
  });

  it("names the base backup that it reads, until it has read it", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.targets.time.to);
    const kill = { POSTGRES_STACK_KILL_AT: "recovering:after" };
    expect((await runOnce(options(volume, { ...wanted, ...kill }))).code).to.equal(137);
    const readers = () =>
      runOnce(
        ["-v", `${volume}:${VOLUME}`],
        ["bash", "-c", `shopt -s nullglob; for f in ${OBJECTS}/readers/*.json; do cat $f; done`],
      );
    const reader = JSON.parse((await readers()).stdout);
    expect(reader.backup).to.equal(prepared.backups[0]);
    expect(reader.what).to.equal("restore one");
    expect(reader.until).to.be.greaterThan(Date.now() / 1000 + 3600);
    const database = await boot(volume, wanted);
    await restoreDone(database);
    expect((await readers()).stdout).to.equal("");
    await database.remove();
  });
});
