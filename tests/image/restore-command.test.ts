import { expect } from "chai";
import "./hooks";
import { boot, copyOf, prepare, restored, rows } from "./restore";

describe("image: restore.sh", () => {
  it("lists, checks, asks for a restore and for its undoing, which the next start carries out", async function () {
    this.timeout("5m");
    const prepared = await prepare();
    const volume = await copyOf(prepared.volume);
    const database = await boot(volume);
    const list = await database.exec("restore.sh", "--list");
    expect(list.stdout).to.match(/reachable on timeline 1: from \S+ \S+ to now/);
    for (const name of prepared.backups) expect(list.stdout).to.contain(name);
    const refused = await database.exec("restore.sh", "--check", "--to", prepared.tooEarly);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain("no base backup ended before the target");
    const asked = await database.exec("restore.sh", "--to", prepared.targets.time.to, "--id", "by-hand");
    expect(asked.code, asked.stderr).to.equal(0);
    expect(asked.stderr).to.contain("restart the container");
    expect(await rows(database)).to.equal("25..25");

    await database.stop();
    await database.start();
    await database.isUp();
    await restored(database);
    expect(await rows(database)).to.equal("13..13");
    expect((await database.exec("restore.sh", "--list")).stdout).to.contain("by-hand done at");

    const undo = await database.exec("restore.sh", "--undo");
    expect(undo.code, undo.stderr).to.equal(0);
    await database.stop();
    await database.start();
    await database.isUp();
    expect(await rows(database)).to.equal("25..25");
    expect((await database.exec("restore.sh", "--list")).stdout).to.contain("by-hand undone at");
    expect((await database.exec("restore.sh", "--undo")).stderr).to.contain("nothing to undo");
    await database.remove();
  });
});
