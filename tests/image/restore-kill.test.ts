import { expect } from "chai";
import { Container, runOnce } from "./docker";
import "./hooks";
import { copyOf, inTurn, options, type Prepared, prepare, removeVolume, request, rows } from "./restore";

const WRITE = ["before", "written", "synced", "renamed", "after"];
const MOVE = ["before", "synced", "renamed", "after"];
const points = (step: string, moments: string[]) => moments.map((moment) => `${step}:${moment}`);

/** Until the journal says `swapping`, a request that is withdrawn leads back to the old data. */
const BEFORE_SWAP = [
  ...["requested", "fetching", "recovering", "verifying", "stopped"].flatMap((step) => points(step, WRITE)),
  ...points("pre-restore", WRITE),
  ...points("swapping", ["before", "written", "synced"]),
];
const FROM_SWAP = [
  ...points("swapping", ["renamed", "after"]),
  ...points("setting-aside", MOVE),
  ...points("publishing", MOVE),
  ...["swapped", "done", "finishing"].flatMap((step) => points(step, WRITE)),
  ...points("closing", ["before", "renamed", "after"]),
];
const WITHDRAWN = [...BEFORE_SWAP, ...FROM_SWAP].filter((point) => /:(synced|after)$/.test(point));
const TWICE: [string, string][] = [
  ["fetching:after", "fetching:after"],
  ["recovering:after", "verifying:written"],
  ["verifying:after", "stopped:before"],
  ["stopped:after", "setting-aside:renamed"],
  ["setting-aside:renamed", "publishing:renamed"],
  ["publishing:renamed", "swapped:renamed"],
];
const UNDOING = [
  ...points("undoing", WRITE),
  ...points("setting-restored-aside", MOVE),
  ...points("putting-back", MOVE),
  ...points("undone", WRITE),
];

/** Starts a container that is to die at a point, and waits for its end. */
async function dies(volume: string, point: string, variables: Record<string, string>): Promise<void> {
  const kill = { POSTGRES_STACK_KILL_AT: point };
  const { code, stderr } = await runOnce(options(volume, { ...variables, ...kill }));
  expect(code, `${point}: ${stderr.slice(-2000)}`).to.equal(137);
}

/** What serves in the end: rows, and folders beside PGDATA. */
async function outcome(volume: string, variables: Record<string, string>): Promise<{ rows: string; log: string }> {
  const database = await Container.ready(options(volume, variables));
  try {
    await database.sql("INSERT INTO rows VALUES (1000); DELETE FROM rows WHERE n = 1000");
    return { rows: await rows(database), log: await database.logs() };
  } finally {
    await database.remove();
  }
}

describe("image: a restore that is killed", function () {
  this.timeout("10m");
  let prepared: Prepared;
  let wanted: Record<string, string>;
  let runs = new Map<string, Promise<{ rows: string; log: string }>>();

  const goesOn = async (point: string) => {
    const volume = await copyOf(prepared.volume);
    for (const kill of point.split(" then ")) await dies(volume, kill, wanted);
    const result = await outcome(volume, wanted);
    await removeVolume(volume);
    return result;
  };
  const withdrawn = async (point: string) => {
    const volume = await copyOf(prepared.volume);
    await dies(volume, point.replace("withdrawn ", ""), wanted);
    const result = await outcome(volume, {});
    await removeVolume(volume);
    return result;
  };
  const undone = async (point: string) => {
    const volume = await copyOf(prepared.volume);
    const once = await outcome(volume, wanted);
    expect(once.rows).to.equal("13..13");
    const undo = { ...wanted, RESTORE_UNDO: "true" };
    await dies(volume, point, undo);
    const result = await outcome(volume, undo);
    await removeVolume(volume);
    return result;
  };

  before(async function () {
    this.timeout("2m");
    prepared = await prepare();
    wanted = request(prepared.targets.time.to);
    const items = [
      ...BEFORE_SWAP,
      ...FROM_SWAP,
      ...TWICE.map((pair) => pair.join(" then ")),
      ...WITHDRAWN.map((point) => `withdrawn ${point}`),
      ...UNDOING,
    ];
    runs = inTurn(items, 3, (item) =>
      item.startsWith("withdrawn ") ? withdrawn(item) : UNDOING.includes(item) ? undone(item) : goesOn(item),
    );
  });

  const result = (item: string) => runs.get(item) as Promise<{ rows: string; log: string }>;
  beforeEach(function () {
    this.currentTest?.timeout("10m");
  });

  for (const point of [...BEFORE_SWAP, ...FROM_SWAP]) {
    it(`at ${point} is finished by the next start`, async () => {
      expect((await result(point)).rows).to.equal("13..13");
    });
  }
  for (const pair of TWICE) {
    it(`at ${pair.join(" and again at ")} is finished by the start after`, async () => {
      expect((await result(pair.join(" then "))).rows).to.equal("13..13");
    });
  }
  for (const point of WITHDRAWN) {
    const old = BEFORE_SWAP.includes(point);
    it(`at ${point} and withdrawn ends in the ${old ? "old" : "new"} data`, async () => {
      const { rows, log } = await result(`withdrawn ${point}`);
      expect(rows).to.equal(old ? "25..25" : "13..13");
      if (old && point !== "requested:synced") expect(log).to.contain("restore one withdrawn: the request was withdrawn");
    });
  }
  for (const point of UNDOING) {
    it(`while it is undone, at ${point}, ends in the old data`, async () => {
      expect((await result(point)).rows).to.equal("25..25");
    });
  }

  it("five times in the middle of recovery leads back to the old data", async () => {
    const volume = await copyOf(prepared.volume);
    for (let boot = 0; boot < 5; boot++) await dies(volume, "recovering:after", wanted);
    const { rows, log } = await outcome(volume, wanted);
    expect(rows).to.equal("25..25");
    expect(log).to.contain("restore one failed: it was interrupted 5 times");
    await removeVolume(volume);
  });
});
