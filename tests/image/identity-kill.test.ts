import { expect } from "chai";
import { IMAGE } from "./docker";
import "./hooks";
import { Machine, newShelf } from "./machine";
import { prepare, VOLUME, withArchive } from "./restore";

// what is synced differs only for a machine that loses its power
const MOMENTS = ["before", "written", "renamed"];
const RECORD = `${VOLUME}/.postgres-stack/archive`;
const OWNERS = `${VOLUME}/archive/18/postgres-stack/owners`;
const VARIABLES = withArchive({ VOLUME_OWNER: "shop/prod" });

/** What is gone before the start that is killed, and the steps that it then writes. */
const TAKEN: Record<string, { gone: string; steps: string[] }> = {
  "that nobody owns": {
    gone: `${RECORD} ${VOLUME}/archive/18/postgres-stack`,
    steps: ["claim", "owner-of-archive"],
  },
  "that is its own, which its volume does not remember": { gone: RECORD, steps: ["adopt"] },
};

describe("image: a database that is killed while it takes an archive", function () {
  this.timeout("5m");
  let machine: Machine;

  before(async function () {
    this.timeout("5m");
    machine = new Machine(await newShelf(), new Map([[18, IMAGE]]));
    await machine.keep((await prepare()).volume, "prepared");
    await machine.load("prepared", "shop/prod");
    await machine.boot(18, VARIABLES, { first: true });
    await machine.kill();
    await machine.save("owned");
  });

  const bash = async (script: string) => {
    const { code, stdout, stderr } = await machine.command(["bash", "-c", script]);
    expect(code, stderr).to.equal(0);
    return stdout.trim();
  };

  for (const [archive, { gone, steps }] of Object.entries(TAKEN)) {
    for (const point of steps.flatMap((step) => MOMENTS.map((moment) => `${step}:${moment}`))) {
      it(`${archive}, at ${point}, owns it once after the next start`, async () => {
        await machine.load("owned");
        await bash(`rm -r ${gone}`);
        const { code, log } = await machine.ends(18, { ...VARIABLES, POSTGRES_STACK_KILL_AT: point });
        expect(code, log).to.equal(137);
        const boot = await machine.boot(18, VARIABLES, { first: true });
        expect(boot?.serves, boot?.log).to.equal(true);
        expect(await bash("head -n 1 /run/postgres-stack/archive-identity")).to.equal("owner");
        const [owner, ...more] = (await bash(`ls ${OWNERS}`)).split("\n");
        expect(more, "other owners").to.deep.equal([]);
        expect(`uuid=${owner}`).to.equal(`${await bash(`grep ^uuid= ${RECORD}`)}.json`);
      });
    }
  }
});
