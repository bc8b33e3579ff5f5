import { expect } from "chai";
import { type Backup, backupName, lsn, SEGMENT, SYSTEM, segmentName } from "./planner";
import { type Case, full, plan } from "./restores";

describe("the plan of a restore", () => {
  const first = full(1, 2, 10);
  const second = full(1, 6, 60);
  const name = backupName(first);

  it("promises every segment from the base backup to the end, and says where that is", () => {
    const answer = plan({ backups: [first], wal: [[1, 1, 9]], reach: [1, 9, 90] });
    expect(answer.candidates).to.equal(name);
    expect(answer[`${name}_promised`]).to.equal("1:2-9");
    expect(answer[`${name}_end`]).to.equal(String(10 * SEGMENT));
    expect(answer[`${name}_wal`]).to.equal(String(8 * SEGMENT));
    expect(answer.window).to.match(
      /^reachable on timeline 1: from 2026-01-01 00:10:00\+00 to 2026-01-01 01:30:00\+00; base/,
    );
    expect(answer.asked).to.deep.equal([]);
  });

  it("promises along the timelines, each from where the one before was left", () => {
    const answer = plan({
      backups: [first],
      wal: [
        [1, 1, 9],
        [2, 5, 7],
        [3, 7, 20],
      ],
      timeline: 3,
      left: [
        [1, 5],
        [2, 7],
      ],
      reach: [3, 20, 90],
    });
    expect(answer[`${name}_promised`]).to.equal("1:2-4 2:5-6 3:7-20");
  });

  it("promises of the data to be replaced what is complete, and no file that waits to be written again", () => {
    const answer = plan({
      backups: [first],
      wal: [[1, 1, 4]],
      live: [1, 5],
      local: [5, 6, 7, 8, 9]
        .flatMap((n): [string, number][] => [[segmentName(1, n), 5]])
        .concat([[`archive_status/${segmentName(1, 6)}.ready`, 5]]),
      system: SYSTEM,
    });
    expect(answer.live).to.equal("true");
    expect(answer.problem).to.equal("");
    expect(answer[`${name}_promised`]).to.equal("1:2-6");
    expect(answer.window).to.contain("to now");
  });

  it("refuses over a gap, which it names, and shows what is reachable on both sides of it", () => {
    const archive: Case = {
      backups: [first, second],
      wal: [
        [1, 1, 3],
        [1, 5, 9],
      ],
      commits: { [segmentName(1, 3)]: 30 },
      reach: [1, 9, 90],
      backup: name,
    };
    const answer = plan(archive);
    expect(answer[`${name}_problem`]).to.match(
      /^WAL segment 000000010000000000000004, needed between base backup \S+ and the target latest, is missing in the archive/,
    );
    expect(answer.window).to.match(
      /from \S+ 00:10:00\+00 to \S+ \S+ \(000000010000000000000004 is missing\), from \S+ 01:00:00/,
    );
    const before = plan({ ...archive, to: 29 });
    expect(before[`${name}_problem`]).to.equal("");
    expect(before.asked).to.deep.equal([`${segmentName(1, 3)}.lz4`]);
    const after = plan({ ...archive, to: 31 });
    expect(after[`${name}_problem`]).to.contain("from that backup WAL reaches to 2026-01-01 00:30:00+00");
  });

  it("with a segment that crash recovery needs, gone everywhere, refuses too", () => {
    const answer = plan({ backups: [first], wal: [[1, 1, 4]], live: [1, 6], local: [], system: SYSTEM });
    expect(answer[`${name}_problem`]).to.contain(`WAL segment ${segmentName(1, 5)}`);
  });

  it("takes the newest base backup that ended before a time or an LSN", () => {
    const archive: Case = { backups: [first, second], wal: [[1, 1, 9]], reach: [1, 9, 90] };
    expect(plan({ ...archive, to: 59 }).candidates).to.equal(name);
    expect(plan({ ...archive, to: 61 }).candidates).to.equal(`${backupName(second)} ${name}`);
    expect(plan({ ...archive, to: `lsn:${lsn(6 * SEGMENT)}` }).candidates).to.equal(name);
    expect(plan({ ...archive, to: 9 }).problem).to.equal("no base backup ended before the target minute 9");
  });

  it("leaves out other systems, other majors and what was made after the timeline was left", () => {
    const backups = [
      { ...full(1, 2, 1), system: "77" },
      { ...full(1, 3, 2), version: 170012 },
      full(1, 8, 3),
    ];
    const archive: Case = { backups, wal: [[2, 5, 9]], timeline: 2, left: [[1, 5]], system: SYSTEM };
    expect(plan(archive).problem).to.equal(
      `the archive holds no base backup of this database (system ${SYSTEM}, PostgreSQL 18) on timeline 2`,
    );
  });

  it("needs what an increment was made on: room for the largest, and none of it missing", () => {
    const increment: Backup = { ...full(1, 6, 60), on: [1, 2], bytes: 5 };
    const archive: Case = {
      backups: [{ ...first, bytes: 7000 }, increment],
      wal: [[1, 1, 9]],
      reach: [1, 9, 90],
    };
    const answer = plan(archive);
    expect(answer[`${backupName(increment)}_chain`]).to.equal(`${backupName(increment)} ${name}`);
    expect(answer[`${backupName(increment)}_bytes`]).to.equal("7000");
    const alone = plan({ ...archive, backups: [increment] });
    expect(alone[`${backupName(increment)}_damage`]).to.contain("that it was made on is missing");
  });
});
