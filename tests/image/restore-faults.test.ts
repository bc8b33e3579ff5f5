import { expect } from "chai";
import "./hooks";
import { inTurn } from "./restore";
import { type Archived, archive, content, needStore, type Restoring, removeArchives, restore } from "./store";

/** Bytes a second: slow enough to hit the middle of the fetch and of the replay. */
const STEADY = 500_000;
const SLOW = 200_000;

interface Outcome {
  content: string;
  log: string;
  /** Exit codes and output of probes during the restore. */
  said: string[];
}

/** What happens to the store, and after how many seconds the restore may notice it: in the fetch, in the replay. */
interface Plan {
  stall: number;
  deadline: number;
  rate?: number;
  fault: (run: Restoring) => Promise<string[]>;
}

const PLANS: Record<string, Plan> = {
  slowed: { stall: 10, deadline: 5, rate: SLOW, fault: watch },
  "replay, hung": { stall: 10, deadline: 2, fault: inReplay(({ proxy }) => proxy.hang()) },
  "replay, stopped": { stall: 10, deadline: 2, fault: inReplay(({ proxy }) => proxy.stop()) },
  "replay, revoked": { stall: 10, deadline: 5, fault: inReplay(({ proxy }) => proxy.revoke()) },
  "replay, away": { stall: 10, deadline: 5, fault: inReplay(away(/not fetched \(attempt 1 of 5\)/)) },
  "fetch, hung": { stall: 5, deadline: 5, fault: inFetch(({ proxy }) => proxy.hang()) },
  "fetch, stopped": { stall: 5, deadline: 5, fault: inFetch(({ proxy }) => proxy.stop()) },
  "fetch, revoked": { stall: 5, deadline: 5, fault: inFetch(({ proxy }) => proxy.revoke()) },
  "fetch, away": { stall: 45, deadline: 5, fault: inFetch(away(/nothing has come for \d+ s/)) },
};

/** Stops the store until the restore has noticed. */
function away(noticed: RegExp): (run: Restoring) => Promise<void> {
  return async ({ proxy, database }) => {
    await proxy.stop();
    await database.logged(noticed, 120);
    await proxy.start();
  };
}

function inFetch(fault: (run: Restoring) => unknown): Plan["fault"] {
  return async (run) => {
    await run.database.logged(/fetching: [1-9]\d* of \d+ MiB/, 120);
    await fault(run);
    return [];
  };
}

function inReplay(fault: (run: Restoring) => unknown): Plan["fault"] {
  return async (run) => {
    await run.database.logged(/restore one: recovering/, 120);
    run.proxy.throttle(SLOW);
    await run.database.logged(/restored log file/, 120);
    await fault(run);
    return [];
  };
}

/** Runs the probes in the middle of the fetch and of the replay. */
async function watch({ database }: Restoring): Promise<string[]> {
  await database.logged(/fetching: [1-9]\d* of \d+ MiB, about/, 120);
  const fetching = await Promise.all([database.probe("startup"), database.probe("readiness")]);
  await database.logged(/commits up to/, 180);
  const recovering = await Promise.all([database.probe("startup"), database.probe("readiness")]);
  return [...fetching, ...recovering].map(({ code, stdout }) => `${code} ${stdout}`);
}

describe("image: a restore whose object store", () => {
  let archived: Archived;
  let runs = new Map<string, Promise<Outcome>>();

  async function run(name: string): Promise<Outcome> {
    const { stall, deadline, rate = STEADY, fault } = PLANS[name] as Plan;
    const limits = { RESTORE_STALL_SECONDS: String(stall), ARCHIVE_DEADLINE: String(deadline) };
    const started = await restore(archived, rate, limits);
    const said = await fault(started);
    await started.database.logged(/restore one (done|failed)/, 480);
    await started.database.isUp();
    const outcome = { content: await content(started.database), log: await started.database.logs(), said };
    const left = await started.database.exec("pgrep", "-fa", "wal-g (backup-fetch|wal-fetch|wal-prefetch)");
    expect(left.stdout).to.equal("");
    await started.database.remove();
    return outcome;
  }

  before(async function () {
    this.timeout("5m");
    needStore(this);
    archived = await archive();
    const names = Object.keys(PLANS);
    runs = inTurn(names, names.length, run);
  });
  beforeEach(function () {
    this.currentTest?.timeout("10m");
  });
  after(removeArchives);

  const outcome = (name: string) => runs.get(name) as Promise<Outcome>;

  /** Expects the restore to be done, with every archived row. */
  async function isDone(name: string): Promise<string> {
    const { content, log } = await outcome(name);
    expect(content, log).to.equal(archived.content);
    expect(log).to.match(/restore one done: timeline 2; /);
    return log;
  }

  /** Expects that the old data serve, the staged server was not promoted, and one error says why. */
  async function isLedBack(name: string, why: RegExp): Promise<void> {
    const { content, log } = await outcome(name);
    expect(content, log).to.equal(archived.old.content);
    expect(log).not.to.contain("selected new timeline");
    const errors = log.match(/^.* ERROR \[entrypoint\].*$/gm) ?? [];
    expect(errors, log).to.have.length(1);
    expect(errors[0]).to.match(why).and.to.contain("The old data were not touched and serve on");
  }

  it("is slow in the fetch is waited for, although no file grows for longer than the limit", async () => {
    const log = await isDone("slowed");
    expect(log).not.to.contain("can't be fetched");
  });

  it("is slow in the replay is waited for, although a segment takes longer than the deadline", async () => {
    const log = await isDone("slowed");
    expect(log).not.to.contain("not fetched");
  });

  it("is slow is told in the pod's status: bytes, position, time and estimate", async () => {
    const { said } = await outcome("slowed");
    const fetching = /restoring: fetching: \d+ of \d+ MiB, about \d+ s to go; last progress \d+ s ago/;
    const recovering =
      /restoring: recovering: waits for [0-9A-F]{24}, \d+ of at most \d+ MiB of WAL, commits up to \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00/;
    expect(said.map((line) => line.slice(0, 2))).to.deep.equal(["0 ", "1 ", "0 ", "1 "]);
    for (const line of said.slice(0, 2)) expect(line).to.match(fetching);
    for (const line of said.slice(2)) expect(line).to.match(recovering);
  });

  for (const step of ["fetch", "replay"]) {
    it(`stops in the ${step} and comes back is restored from`, async () => {
      await isDone(`${step}, away`);
    });
  }

  for (const fault of ["stopped", "hung"]) {
    it(`is ${fault} for good in the fetch leads back to the old data`, async () => {
      const why =
        /base_\w+ can't be fetched \(attempt 3 of 3\): nothing came for 5 s, and the archive can't be read \(no answer/;
      await isLedBack(`fetch, ${fault}`, why);
    });

    it(`is ${fault} for good in the replay leads back to the old data`, async () => {
      await isLedBack(
        `replay, ${fault}`,
        /recovery failed 3 times: \w+ can't be fetched: nothing came for 2 s/,
      );
    });
  }

  it("refuses the credentials in the fetch leads back to the old data", async () => {
    const why = /can't be fetched \(attempt 3 of 3\): .*the archive can't be read \(.*InvalidAccessKeyId/;
    await isLedBack("fetch, revoked", why);
  });

  it("refuses the credentials in the replay leads back to the old data", async () => {
    await isLedBack("replay, revoked", /recovery failed 3 times: \w+ can't be fetched: .*Forbidden/);
  });
});
