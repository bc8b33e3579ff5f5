import { expect } from "chai";
import { at, backupName, fieldsOf, planner, SYSTEM, segmentName } from "./planner";
import { type Case, files, full, plan, request } from "./restores";

describe("the plan of a restore dates nothing by the store's times", () => {
  // timeline 1 was left at segment 6 in minute 50, and went on to minute 60 before it was abandoned
  const old: Case = {
    backups: [full(1, 2, 10), full(2, 7, 70)],
    wal: [
      [1, 1, 8],
      [2, 6, 9],
    ],
    timeline: 2,
    left: [[1, 6]],
    reach: [2, 9, 90],
    commits: { [segmentName(1, 8)]: 60 },
  };
  const began: Case = { ...old, began: [[2, 65]] };

  it("a time before a timeline began is looked for on the one that it came from", () => {
    const answer = plan({ ...began, to: 59 });
    expect([answer.timeline, answer.problem]).to.deep.equal(["1", ""]);
    expect(answer[`${backupName(full(1, 2, 10))}_promised`]).to.equal("1:2-8");
    const refused = plan({ ...began, to: 64 });
    expect(refused[`${backupName(full(1, 2, 10))}_problem`]).to.equal(
      "the target minute 64 is after the end of the archive at 2026-01-01 01:00:00+00",
    );
  });

  it("a time after it began is looked for on it", () => {
    expect(plan({ ...began, to: 66 }).timeline).to.equal("2");
    expect(plan({ ...began, to: "latest" }).timeline).to.equal("2");
  });

  it("an archive of before is dated by the first base backup of a timeline, and the refusal names the other one", () => {
    expect(plan({ ...old, to: 71 }).timeline).to.equal("2");
    const refused = plan({ ...old, to: 66 });
    expect(refused.timeline).to.equal("1");
    expect(refused[`${backupName(full(1, 2, 10))}_problem`]).to.match(
      /after the end of the archive at .*; timeline 2 began before 2026-01-01 01:09:30\+00: if that one is meant, name it with RESTORE_TIMELINE/,
    );
    const named = plan({ ...old, to: 66, byName: true });
    expect([named.timeline, named[`${backupName(full(1, 2, 10))}_problem`]]).to.deep.equal(["2", ""]);
  });

  it("the volume's own history file tells when its timeline began", () => {
    const local: [string, number][] = [["00000002.history", 62]];
    const archive: Case = { ...old, live: [2, 8], local, system: SYSTEM };
    expect(plan({ ...archive, to: 66 }).timeline).to.equal("2");
    expect(plan({ ...archive, to: 61 }).timeline).to.equal("1");
  });

  it("a timeline of which nothing is known is not guessed", () => {
    const archive: Case = { ...old, backups: [full(1, 2, 10)], to: 66 };
    const answer = planner("restore", files(archive), request(archive));
    expect(answer.code).to.equal(1);
    expect(answer.error).to.contain("not known when timeline 2 began").and.to.contain("RESTORE_TIMELINE");
    expect(plan({ ...archive, byName: true }).timeline).to.equal("2");
    expect(plan({ ...archive, to: "latest" }).timeline).to.equal("2");
  });

  it("the archive's end is that of its own mark, else of the last commit, looked for in a few segments", () => {
    const archive: Case = { backups: [full(1, 2, 10)], wal: [[1, 1, 9]] };
    const commits = { [segmentName(1, 7)]: 33 };
    const found = plan({ ...archive, commits });
    expect(found.asked).to.deep.equal([9, 8, 7].map((n) => `${segmentName(1, n)}.lz4`));
    expect(found.window).to.contain("to 2026-01-01 00:33:00+00;");
    const silent = plan(archive);
    expect(silent.window).to.contain("to 2026-01-01 00:10:00+00;");
    expect(silent.asked).to.have.length.of.at.most(16);
    const marked = plan({ ...archive, reach: [1, 9, 40], commits });
    expect([marked.asked.length, marked.window?.includes("to 2026-01-01 00:40:00+00;")]).to.deep.equal([
      0,
      true,
    ]);
    // the mark is some segments behind
    expect(
      plan({ ...archive, reach: [1, 5, 20], commits, to: 33 })[`${backupName(full(1, 2, 10))}_problem`],
    ).to.equal("");
    // what can't be read says nothing
    expect(plan({ ...archive, reach: [1, 5, 20], closed: [segmentName(1, 9)] }).window).to.contain(
      "00:20:00+00;",
    );
  });

  it("half a mark, as a full disk leaves one, says nothing", () => {
    const archive: Case = {
      backups: [full(1, 2, 10)],
      wal: [[1, 1, 9]],
      commits: { [segmentName(1, 9)]: 33 },
    };
    const torn = {
      ...files(archive),
      commits: `${segmentName(1, 9)} ${at(33)}\n`,
      "reach.json": '{"segment":"0000',
    };
    expect(fieldsOf(planner("restore", torn, request(archive)).lines).window).to.contain(
      "to 2026-01-01 00:33:00+00;",
    );
    const half = { ...files(began), timelines: '{"timeline":2,"beg' };
    expect(fieldsOf(planner("restore", half, request({ ...began, to: 71 })).lines).timeline).to.equal("2");
  });
});
