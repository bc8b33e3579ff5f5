import { expect } from "chai";
import { runOnce } from "./docker";
import "./hooks";
import {
  boot,
  copyOf,
  inTurn,
  options,
  type Prepared,
  prepare,
  removeVolume,
  request,
  restored,
  rows,
} from "./restore";

// what is `before` one of them is `after` the one that came first
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

/** Withdrawn at one of these, the restore leaves the old data; from `swapping` on it is finished. */
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

/** Starts a container that is to die at a point, and waits for its end. */
async function dies(volume: string, point: string, variables: Record<string, string>): Promise<void> {
  const kill = { POSTGRES_STACK_KILL_AT: point };
  const { code, stderr } = await runOnce(options(volume, { ...variables, ...kill }));
  expect(code, `${point}: ${stderr.slice(-2000)}`).to.equal(137);
}

/** What serves in the end, proved by a write too. Removes the volume. */
async function outcome(
  volume: string,
  variables: Record<string, string>,
): Promise<{ rows: string; log: string }> {
  const database = await boot(volume, variables);
  await database.sql("INSERT INTO rows VALUES (1000); DELETE FROM rows WHERE n = 1000");
  const result = { rows: await rows(database), log: await database.logs() };
  await database.remove();
  await removeVolume(volume);
  return result;
}

describe("image: a restore that is killed", () => {
  let prepared: Prepared;
  let wanted: Record<string, string>;
  let undo: Record<string, string>;
  const volumes = new Map<State, Promise<string>>();
  let runs = new Map<string, Promise<{ rows: string; log: string }>>();

  const volumeIn: Record<State, () => Promise<string>> = {
    untouched: async () => prepared.volume,
    promoted: async () => {
      const volume = await copyOf(prepared.volume);
      await dies(volume, "verifying:before", wanted);
      return volume;
    },
    stopped: async () => {
      const volume = await copyOf((await volumes.get("promoted")) as string);
      await dies(volume, "pre-restore:before", wanted);
      return volume;
    },
    restored: async () => {
      const volume = await copyOf((await volumes.get("stopped")) as string);
      const database = await boot(volume, wanted);
      await restored(database);
      await database.stop();
      await database.remove();
      return volume;
    },
  };

  /** `state point[ point]`: killed there, then started again; `state point withdrawn`: without the request. */
  const run = async (item: string) => {
    const [state, ...kills] = item.split(" ") as [State, ...string[]];
    const volume = await copyOf((await volumes.get(state)) as string);
    const variables = state === "restored" ? undo : wanted;
    for (const point of kills) if (point !== "withdrawn") await dies(volume, point, variables);
    return outcome(volume, kills.includes("withdrawn") ? {} : variables);
  };

  before(async function () {
    this.timeout("5m");
    prepared = await prepare();
    wanted = request(prepared.targets.time.to);
    undo = { ...wanted, RESTORE_UNDO: "true" };
    for (const state of Object.keys(POINTS) as State[]) volumes.set(state, volumeIn[state]());
    await Promise.all(volumes.values());
    const once = Object.entries(POINTS).flatMap(([state, of]) => of.map((point) => `${state} ${point}`));
    const twice = TWICE.map((item) => item.join(" "));
    const withdrawn = WITHDRAWN.map(([state, point]) => `${state} ${point} withdrawn`);
    runs = inTurn([...once, ...twice, ...withdrawn], 3, run);
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
    const volume = await copyOf((await volumes.get("promoted")) as string);
    for (let boot = 2; boot <= 5; boot++) await dies(volume, "recovering:after", wanted);
    const { rows, log } = await outcome(volume, wanted);
    expect(rows).to.equal("25..25");
    expect(log).to.contain("restore one failed: it was interrupted 5 times");
  });
});
