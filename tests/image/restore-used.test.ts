import { expect } from "chai";
import { Container } from "./docker";
import {
  boot,
  change,
  copyOf,
  insert,
  options,
  prepare,
  request,
  restored,
  rows,
  switched,
  VOLUME,
} from "./restore";
import "./hooks";

describe("image: the id of a restore that is done, on a volume that was lost since", () => {
  it("restores no old state again; a new id gets the newest", async () => {
    const { volume: of, targets } = await prepare();
    const volume = await copyOf(of);
    const old = request(targets.time.to);
    const first = await boot(volume, old);
    await restored(first);
    await insert(first, 101, 103);
    await switched(first);
    await first.stop();
    await first.remove();
    await change(volume, `rm -rf ${VOLUME}/18 ${VOLUME}/.postgres-stack`); // all but the archive

    const stale = await Container.start(options(volume, old));
    expect(await stale.ends()).to.equal(1);
    expect(await stale.logs()).to.match(
      /ERROR .*this id was used before, as the archive knows.*ask with a new id/,
    );
    await stale.remove();

    const newest = await boot(volume, { RESTORE_ID: "two", RESTORE_TO: "latest" });
    expect(await rows(newest)).to.equal(`${targets.time.rows + 3}..103`);
    await newest.stop();
    await newest.remove();
  }).timeout("6m");
});
