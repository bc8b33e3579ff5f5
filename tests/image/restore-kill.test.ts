import { expect } from "chai";
import { IMAGE } from "./docker";
import "./hooks";
import { Machine, newShelf } from "./machine";
import { inTurn, type Prepared, prepare, request, withArchive } from "./restore";

// `before` one of them is `after` the previous one
const WRITE = ["written", "synced", "renamed", "after"];
const MOVE = ["synced", "renamed", "after"];
const points = (steps: string[], moments: string[]) =>
  steps.flatMap((step) => moments.map((moment) => `${step}:${moment}`));

/** Points by the state of the volume that leads to them, so that not each of them begins with a download. */
const POINTS = {
  untouched: points(["requested", "fetching", "recovering"], WRITE),
  promoted: points(["verifying", "stopped"], WRITE),
  stopped: [
    ...points(["pre-restore", "swapping"], WRITE),
    ...points(["setting-aside", "publishing"], MOVE),
    ...points(["swapped", "done", "finishing"], WRITE),
    ...points(["closing"], ["before", "renamed", "after"]),
  ],
  restored: [
    ...points(["undoing"], WRITE),
    ...points(["setting-restored-aside", "putting-back"], MOVE),
    ...points(["branching"], WRITE),
    "branched:before",
    ...points(["undone", "finishing"], WRITE),
    ...points(["closing"], ["before", "renamed", "after"]),
  ],
};
type State = keyof typeof POINTS;

/** Withdrawn at one of these, the restore leaves the old data; from `swapping` on it is completed. */
const WITHDRAWN: [State, string, string][] = [
  ["untouched", "requested:after", "25..25"],
  ["untouched", "fetching:after", "25..25"],
  ["untouched", "recovering:after", "25..25"],
  ["promoted", "verifying:after", "25..25"],
  ["promoted", "stopped:after", "25..25"],
  ["stopped", "pre-restore:after", "25..25"],
  ["stopped", "swapping:synced", "25..25"],
  ["stopped", "swapping:renamed", "13..13"],
  ["stopped", "setting-aside:renamed", "13..13"],
  ["stopped", "publishing:renamed", "13..13"],
  ["stopped", "swapped:after", "13..13"],
  ["stopped", "done:renamed", "13..13"],
];
const TWICE: [State, string, string][] = [
  ["untouched", "fetching:after", "fetching:after"],
  ["untouched", "recovering:after", "verifying:written"],
  ["promoted", "verifying:after", "stopped:before"],
  ["promoted", "stopped:after", "setting-aside:renamed"],
  ["stopped", "setting-aside:renamed", "publishing:renamed"],
  ["stopped", "publishing:renamed", "swapped:renamed"],
  ["restored", "setting-restored-aside:renamed", "putting-back:renamed"],
  ["restored", "branching:after", "branched:before"],
  ["restored", "branched:before", "undone:before"],
];

const IMAGES = new Map([[18, IMAGE]]);
/** In parallel, so that one works while another waits. */
const MACHINES = 2;

/** Boots a machine that must die at a point. Returns the resulting state of its volume. */
async function dies(machine: Machine, point: string, variables: Record<string, string>): Promise<string> {
  const killed = withArchive({ ...variables, POSTGRES_STACK_KILL_AT: point });
  const { code, log, state } = await machine.ends(18, killed);
  expect(code, `${point}: ${log.slice(-2000)}`).to.equal(137);
  return state;
}

/** Returns what serves in the end, proved by a write too. */
async function outcome(
  machine: Machine,
  variables: Record<string, string>,
): Promise<{ rows: string; log: string }> {
  const write = "INSERT INTO rows VALUES (1000); DELETE FROM rows WHERE n = 1000";
  const read = "SELECT count(*) || '..' || max(n) FROM rows";
  const { answer, log } = await machine.answers(18, withArchive(variables), "postgres", write, read);
  return { rows: answer, log };
}

describe("image: a restore that is killed", () => {
  let wanted: Record<string, string>;
  let undo: Record<string, string>;
  let machines: Machine[] = [];
  let runs = new Map<string, Promise<{ rows: string; log: string }>>();
  /** By the state that a kill left and the request: a later sync makes no difference to the next start. */
  const outcomes = new Map<string, Promise<{ rows: string; log: string }>>();

  /** Saves each state of the volume, each made from the previous one. */
  const saveStates = async (machine: Machine, prepared: Prepared) => {
    await machine.keep(prepared.volume, "untouched");
    await machine.load("untouched");
    await dies(machine, "verifying:before", wanted);
    await machine.save("promoted");
    await dies(machine, "pre-restore:before", wanted);
    await machine.save("stopped");
    const boot = await machine.boot(18, withArchive(wanted));
    expect(boot?.log).to.match(/restore one done: .*total \d+ s/);
    const { code, stderr } = await machine.command(["pg_ctl", "stop", "-m", "fast"]);
    expect(code, stderr).to.equal(0);
    await machine.kill();
    await machine.save("restored");
  };

  /** `state point[ point]`: killed there, then started again; `state point withdrawn`: without the request. */
  const run = async (item: string, lane: number) => {
    const machine = machines[lane] as Machine;
    const [state, ...kills] = item.split(" ") as [State, ...string[]];
    await machine.load(state);
    const variables = state === "restored" ? undo : wanted;
    let left = "";
    for (const point of kills) if (point !== "withdrawn") left = await dies(machine, point, variables);
    const asked = kills.includes("withdrawn") ? {} : variables;
    const key = `${left} ${JSON.stringify(asked)}`;
    const known = outcomes.get(key) ?? outcome(machine, asked);
    outcomes.set(key, known);
    return known;
  };

  before(async function () {
    this.timeout("5m");
    const prepared = await prepare();
    wanted = request(prepared.targets.time.to);
    undo = { ...wanted, RESTORE_UNDO: "true" };
    const shelf = await newShelf();
    machines = Array.from({ length: MACHINES }, () => new Machine(shelf, IMAGES));
    await saveStates(machines[0] as Machine, prepared);
    const once = Object.entries(POINTS).flatMap(([state, of]) => of.map((point) => `${state} ${point}`));
    const twice = TWICE.map((item) => item.join(" "));
    const withdrawn = WITHDRAWN.map(([state, point]) => `${state} ${point} withdrawn`);
    runs = inTurn([...once, ...twice, ...withdrawn], MACHINES, run);
  });
  beforeEach(function () {
    this.currentTest?.timeout("15m");
  });

  const result = (item: string) => runs.get(item) as Promise<{ rows: string; log: string }>;
  const end = (state: State) => (state === "restored" ? "25..25" : "13..13");

  for (const [state, all] of Object.entries(POINTS) as [State, string[]][]) {
    const work = state === "restored" ? "being undone" : "under way";
    for (const point of all) {
      it(`${work}, at ${point}, is finished by the next start`, async () => {
        expect((await result(`${state} ${point}`)).rows).to.equal(end(state));
      });
    }
  }
  for (const [state, first, second] of TWICE) {
    it(`at ${first} and again at ${second} is finished by the start after`, async () => {
      expect((await result(`${state} ${first} ${second}`)).rows).to.equal(end(state));
    });
  }
  for (const [state, point, left] of WITHDRAWN) {
    const old = left === "25..25";
    it(`at ${point}, and withdrawn, ends in the ${old ? "old" : "new"} data and says so`, async () => {
      const { rows, log } = await result(`${state} ${point} withdrawn`);
      expect(rows).to.equal(left);
      expect(log).to.contain(
        old ? "restore one withdrawn: the request was withdrawn" : "in step with the environment",
      );
    });
  }

  it("again and again leads back to the old data", async () => {
    await Promise.allSettled(runs.values());
    const [machine] = machines as [Machine];
    await machine.load("promoted");
    for (let boot = 2; boot <= 5; boot++) await dies(machine, "recovering:after", wanted);
    const { rows, log } = await outcome(machine, wanted);
    expect(rows).to.equal("25..25");
    expect(log).to.contain("restore one failed: it was interrupted 5 times");
  });
});
