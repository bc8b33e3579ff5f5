import { expect } from "chai";
import "./hooks";
import {
  backup,
  backups,
  boot,
  change,
  copyOf,
  givenPrepared,
  insert,
  request,
  restored,
  rows,
  settled,
  switched,
  VOLUME,
} from "./restore";

describe("image: the archive of a database whose history has changed", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("6m");
  });

  /** Starts with a request, and ends once nothing is left to do. */
  async function through(volume: string, variables: Record<string, string>): Promise<void> {
    const database = await boot(volume, variables);
    await settled(database);
    await database.end();
  }

  it("has the histories that the data came along, also with another prefix, and restores", async () => {
    const volume = await copyOf(prepared.volume);
    await through(volume, request("latest"));
    const other = { WALG_FILE_PREFIX: `${VOLUME}/other` };
    const database = await boot(volume, other);
    await backup(database);
    await insert(database, 101, 103);
    await switched(database);
    await database.end();

    await change(volume, `rm -rf ${VOLUME}/18 ${VOLUME}/.postgres-stack ${VOLUME}/archive`);
    const again = await boot(volume, { ...other, RESTORE_ID: "two", RESTORE_TO: "latest" });
    expect(await rows(again)).to.equal("28..103");
    await again.end();
  });

  it("has a base backup of the timeline that an undo has opened", async () => {
    const volume = await copyOf(prepared.volume);
    const asked = request(prepared.targets.time.to);
    await through(volume, asked);
    await through(volume, { ...asked, RESTORE_UNDO: "true" });
    const database = await boot(volume, { ...asked, RESTORE_UNDO: "true" });
    expect((await backups(database)).at(-1)).to.match(/^base_00000003/);
    await database.end();
  });

  it("has no increment on a base backup of a history that was left", async () => {
    const volume = await copyOf(prepared.volume);
    const asked = { ...request("latest"), WALG_DELTA_MAX_STEPS: "3" };
    const first = await boot(volume, asked);
    await restored(first);
    await backup(first);
    await first.end();
    const undone = await boot(volume, { ...asked, RESTORE_UNDO: "true" });
    await settled(undone);
    for (let segment = 0; segment < 8; segment++) await switched(undone);
    await backup(undone);
    const names = await backups(undone);
    expect(names.filter((name) => /^base_00000003\w*_D_00000002/.test(name))).to.deep.equal([]);
    expect(
      names.some((name) => /^base_00000003\w*_D_00000003/.test(name)),
      names.join(" "),
    ).to.equal(true);
    await undone.end();
  });
});
