import { expect } from "chai";
import fc from "fast-check";
import {
  type Backup,
  backupList,
  backupName,
  historyFile,
  planner,
  SYSTEM,
  seconds,
  segmentName,
} from "./planner";

const OTHER = "7000000000000000001";
const NOW = 100_000;

interface Case {
  backups: Backup[];
  live?: number;
  left?: [number, number][];
  retain?: number;
  readers?: { backup: string; until: number }[];
}

function retention({ backups, live = 1, left = [], retain = 2, readers = [] }: Case) {
  const files: Record<string, string> = { "backups.json": backupList(backups) };
  if (left.length > 0) files.history = historyFile(left);
  if (readers.length > 0) files.readers = readers.map((reader) => `${JSON.stringify(reader)}\n`).join("");
  const answer = planner("retention", files, { live, system: SYSTEM, retain, now: seconds(NOW) });
  expect(answer.code, answer.error).to.equal(0);
  const names = (word: string) =>
    answer.lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(" ")[1]);
  return { kept: names("keep"), deleted: names("delete"), before: names("wal-before") };
}

const full = (timeline: number, segment: number, minute: number): Backup => ({ timeline, segment, minute });

describe("retention", () => {
  it("after an undo keeps the newest backups of the live timeline, not those of the higher, abandoned one", () => {
    const first = [full(1, 2, 1), full(2, 5, 2)];
    const nights = [full(1, 7, 3), full(1, 9, 4), full(1, 11, 5)];
    const { kept, deleted } = retention({ backups: [...first, ...nights] });
    expect(kept).to.deep.equal(nights.slice(1).map(backupName));
    expect(deleted).to.have.members([...first, nights[0] as Backup].map(backupName));
  });

  it("keeps the backups from before a restore, from which the live timeline came, and drops those after the branch", () => {
    const before = full(1, 2, 1);
    const beyond = full(1, 9, 3);
    const own = full(2, 7, 4);
    expect(
      retention({ backups: [before, beyond, own], live: 2, left: [[1, 6]], retain: 2 }).kept,
    ).to.have.members([before, beyond, own].map(backupName));
    const next = full(2, 8, 5);
    const { deleted } = retention({
      backups: [before, beyond, own, next],
      live: 2,
      left: [[1, 6]],
      retain: 2,
    });
    expect(deleted).to.have.members([before, beyond].map(backupName));
  });

  it("deletes increments before what they depend on, and keeps what a kept increment depends on", () => {
    const base = full(1, 2, 1);
    const one: Backup = { ...full(1, 4, 2), on: [1, 2] };
    const two: Backup = { ...full(1, 6, 3), on: [1, 4] };
    const fresh = full(1, 8, 4);
    expect(retention({ backups: [base, one, two, fresh] }).deleted).to.deep.equal([]);
    expect(retention({ backups: [base, one, two, fresh], retain: 1 }).deleted).to.deep.equal(
      [two, one, base].map(backupName),
    );
  });

  it("gives WAL away only before a backup that is the first by time, by position and by timeline", () => {
    expect(retention({ backups: [full(1, 2, 1), full(1, 4, 2), full(1, 6, 3)] }).before).to.deep.equal([
      `base_${segmentName(1, 4)}`,
    ]);
    // the abandoned one began earlier but lies after the live one
    const crossed = [full(1, 5, 2), full(2, 9, 3), full(1, 7, 4), full(1, 8, 5)];
    expect(retention({ backups: [...crossed, full(1, 3, 6)], retain: 3 }).before).to.deep.equal([]);
    const stranger = { ...full(1, 6, 3), system: OTHER };
    expect(retention({ backups: [full(1, 2, 1), stranger, full(1, 7, 4)] }).before).to.deep.equal([]);
  });

  it("deletes nothing as long as there is no backup of the live timeline", () => {
    const backups = [full(2, 5, 2), full(2, 6, 3), full(2, 7, 4)];
    expect(retention({ backups }).deleted).to.deep.equal([]);
  });

  it("forgets a reader whose time has passed", () => {
    const backups = [full(1, 2, 1), full(1, 4, 2)];
    const reader = (until: number) => ({ backup: `base_${segmentName(1, 2)}`, until: seconds(until) });
    expect(retention({ backups, retain: 1, readers: [reader(NOW + 1)] }).deleted).to.deep.equal([]);
    expect(retention({ backups, retain: 1, readers: [reader(NOW - 1)] }).deleted).to.have.length(1);
  });

  const good = backupList([full(1, 2, 1), full(1, 4, 2)]);
  const reader = JSON.stringify({ backup: `base_${segmentName(1, 2)}`, until: seconds(NOW) });
  const unusable: [string, Record<string, string>, Record<string, string | number>?][] = [
    ["no list", {}],
    ["an empty list file", { "backups.json": "" }],
    ["a list cut short", { "backups.json": good.slice(0, -20) }],
    ["an error message for a list", { "backups.json": "ERROR: 2026/11/27 no answer\n" }],
    ["an object for a list", { "backups.json": "{}" }],
    ["a backup without a finish", { "backups.json": good.replace(/"finish_lsn":\d+,/, "") }],
    ["a backup without a name", { "backups.json": good.replace(/"backup_name":"[^"]*",/, "") }],
    [
      "a time that is none",
      { "backups.json": good.replace(/"finish_time":"[^"]*"/, '"finish_time":"soon"') },
    ],
    ["a reader cut short", { "backups.json": good, readers: reader.slice(0, -5) }],
    ["a reader of nothing", { "backups.json": good, readers: "{}" }],
    ["no history of the second timeline", { "backups.json": good }, { live: 2 }],
    ["an empty history", { "backups.json": good, history: "" }, { live: 2 }],
    ["a history that is none", { "backups.json": good, history: "<html>\n" }, { live: 2 }],
    ["no system", { "backups.json": good }, { system: "" }],
    ["nothing to retain", { "backups.json": good }, { retain: 0 }],
  ];
  for (const [what, files, fields] of unusable) {
    it(`with ${what} ends with an error, and deletes nothing`, () => {
      const request = { live: 1, system: SYSTEM, retain: 1, now: seconds(NOW), ...fields };
      const answer = planner("retention", files, request);
      expect(answer.code).to.equal(1);
      expect(answer.lines).to.deep.equal([]);
      expect(answer.error).not.to.equal("");
    });
  }

  /** Backups in the order of time, on a live timeline 3 that came from 1 at segment 40, and on 2, 4 and 5, which were abandoned. */
  const anyCase = fc
    .array(
      fc.record({
        timeline: fc.integer({ min: 1, max: 5 }),
        segment: fc.integer({ min: 1, max: 80 }),
        system: fc.constantFrom(SYSTEM, SYSTEM, SYSTEM, OTHER),
        permanent: fc.constantFrom(false, false, false, true),
        read: fc.constantFrom(false, false, true),
      }),
      { maxLength: 12 },
    )
    .map((list) => list.map((backup, index) => ({ ...backup, minute: index + 1 })))
    .map((list) =>
      list.filter((one, index) => index === list.findIndex((b) => backupName(b) === backupName(one))),
    );
  const isLive = ({ timeline, segment, system }: Backup) =>
    system === SYSTEM && (timeline === 3 || (timeline === 1 && segment < 40));

  it("holds for any archive what it promises", function () {
    this.timeout("1m");
    fc.assert(
      fc.property(anyCase, fc.integer({ min: 1, max: 4 }), (backups, retain) => {
        const readers = backups
          .filter(({ read }) => read)
          .map((backup) => ({ backup: backupName(backup), until: seconds(NOW + 60) }));
        const { kept, deleted, before } = retention({ backups, live: 3, left: [[1, 40]], retain, readers });
        const isKept = (backup: Backup) => kept.includes(backupName(backup));
        const live = backups.filter(isLive);
        const oldest = live.slice(-retain)[0];
        expect([...kept, ...deleted]).to.have.members(backups.map(backupName));
        for (const backup of live.slice(-retain)) expect(isKept(backup), "a live one").to.equal(true);
        for (const backup of backups) {
          const mustStay = backup.read || backup.permanent || backup.system !== SYSTEM;
          const young = oldest === undefined || backup.minute >= oldest.minute;
          expect(isKept(backup), backupName(backup)).to.equal(mustStay || young);
        }
        for (const name of before) {
          const first = backups.find((backup) => backupName(backup) === name) as Backup;
          for (const backup of backups.filter(isKept)) {
            expect(backup.segment).to.be.at.least(first.segment);
            expect(backup.minute).to.be.at.least(first.minute);
            expect(backup.system).to.equal(SYSTEM);
          }
        }
      }),
      { numRuns: 80 },
    );
  });
});
