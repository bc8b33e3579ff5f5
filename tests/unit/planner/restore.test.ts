import { expect } from "chai";
import {
  at,
  type Backup,
  backupList,
  backupName,
  fieldsOf,
  historyFile,
  lsn,
  microseconds,
  planner,
  SEGMENT,
  SYSTEM,
  segmentName,
} from "./planner";

const NOW = 1000;

/** An archive, and what is asked of it. Times are minutes. */
interface Case {
  backups: Backup[];
  /** Stored WAL as ranges. */
  wal?: [timeline: number, first: number, last: number][];
  timeline?: number;
  left?: [number, number][];
  /** Timelines whose beginning the archive knows. */
  began?: [timeline: number, minute: number][];
  reach?: [timeline: number, segment: number, minute: number];
  /** Commits by segment, asked for as needed; segments that are not in here have none. */
  commits?: Record<string, number>;
  closed?: string[];
  to?: "latest" | number | `lsn:${string}` | `name:${string}`;
  backup?: string;
  byName?: boolean;
  /** Timeline and last needed segment of the data that are to be replaced, and what they have of WAL. */
  live?: [timeline: number, segment: number];
  local?: [name: string, minute: number][];
  system?: string;
}

function request({ timeline = 1, to = "latest", backup = "", byName = false, live, system = "" }: Case) {
  const kind = typeof to === "number" ? "time" : to.split(":")[0];
  return {
    kind: kind as string,
    target: typeof to === "number" ? at(to) : to.slice(to.indexOf(":") + 1),
    epoch: typeof to === "number" ? microseconds(to) : "",
    to: typeof to === "number" ? `minute ${to}` : to,
    backup,
    by_name: byName ? timeline : "",
    live: live?.[0] ?? "",
    live_segment: live?.[1] ?? -1,
    segment_bytes: SEGMENT,
    system,
    major: 18,
    now: microseconds(NOW),
  };
}

function files({ backups, wal = [], left = [], began = [], reach, local }: Case): Record<string, string> {
  const made: Record<string, string> = {
    "backups.json": backupList(backups),
    wal: [
      ...wal.map(([timeline, first, last]) => `range ${timeline} ${first} ${last} .lz4\n`),
      ...left.map((_, index) => `history ${index + 2}\n`),
    ].join(""),
  };
  if (left.length > 0) made.history = historyFile(left);
  if (began.length > 0) {
    made.timelines = began
      .map(([timeline, minute]) => `${JSON.stringify({ timeline, began: microseconds(minute) })}\n`)
      .join("");
  }
  if (reach) {
    const [timeline, segment, minute] = reach;
    made["reach.json"] = JSON.stringify({
      segment: segmentName(timeline, segment),
      at: microseconds(minute),
    });
  }
  if (local) made.local = local.map(([name, minute]) => `${name} ${microseconds(minute) / 1e6}.5\n`).join("");
  return made;
}

/** Asks the planner as the preflight does, until it has looked at every commit it wants; or with every commit known. */
function ask(plan: string, archive: Case, more: Record<string, string> = {}, known = false) {
  const asked: string[] = [];
  let commits = known
    ? Object.entries(archive.commits ?? {})
        .map(([name, minute]) => `${name} ${archive.closed?.includes(name) ? "closed" : at(minute)}\n`)
        .join("")
    : "";
  for (;;) {
    const answer = planner(plan, { ...files(archive), commits }, { ...request(archive), ...more });
    expect(answer.code, answer.error).to.equal(0);
    const fields = fieldsOf(answer.lines);
    if (fields.ask === undefined) return { ...fields, asked } as Record<string, string> & { asked: string[] };
    asked.push(fields.ask);
    const segment = fields.ask.replace("local:", "").slice(0, 24);
    const minute = archive.commits?.[segment];
    const value = archive.closed?.includes(segment) ? "closed" : minute === undefined ? "none" : at(minute);
    commits += `${segment} ${value}\n`;
  }
}

const plan = (archive: Case) => ask("restore", archive);
const full = (timeline: number, segment: number, minute: number): Backup => ({ timeline, segment, minute });

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

describe("the timeline of a restore", () => {
  const wal = "range 1 1 5 .lz4\nrange 2 5 9 .lz4\nhistory 2\nhistory 3\nrange 3 4 8 .lz4\n";
  const LATEST = { ...request({ backups: [] }) };
  const chosen = (more: Record<string, string>, fields: Record<string, string> = {}) =>
    planner("restore", { "backups.json": "[]", wal, ...more }, { ...LATEST, ...fields });

  it("is the one that is named, else that of the data, else that which the archive says lives, else the newest", () => {
    const live = { "live.json": '{"timeline":2,"uuid":"x","at":1}\n' };
    expect(chosen(live, { by_name: "1", live: "3" }).lines).to.include("timeline=1");
    expect(chosen(live, { live: "3" }).lines).to.deep.equal(["timeline=3", "history=archive"]);
    expect(chosen(live).lines).to.deep.equal(["timeline=2", "history=archive"]);
    expect(chosen({ "live.json": "" }).lines).to.deep.equal(["timeline=3", "history=archive"]);
    expect(chosen({}).lines).to.deep.equal(["timeline=3", "history=archive"]);
  });

  it("is not guessed when the archive's word can't be read, but may be named", () => {
    const torn = { "live.json": '{"timeline":2' };
    expect(chosen(torn).error).to.contain("name the one that is meant with RESTORE_TIMELINE");
    expect(chosen(torn, { by_name: "2" }).lines).to.deep.equal(["timeline=2", "history=archive"]);
  });

  it("has its history in the archive, on the volume or nowhere; an archive without WAL has none", () => {
    expect(chosen({ local: "00000004.history 5.5\n" }, { live: "4" }).lines).to.deep.equal([
      "timeline=4",
      "history=local",
    ]);
    expect(chosen({}, { by_name: "7" }).lines).to.deep.equal(["timeline=7", "history=none"]);
    expect(chosen({ wal: "" }).lines).to.deep.equal(["problem=the archive holds no WAL"]);
  });
});

describe("the key that a restore needs", () => {
  const segments = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => segmentName(1, first + index));
  // a commit a minute: segment n ends with that of minute n
  const archive: Case = {
    backups: [full(1, 2, 2)],
    wal: [[1, 1, 1000]],
    commits: Object.fromEntries(segments(1, 1000).map((name, index) => [name, index + 1])),
  };
  const key = (more: Case, known = true) => ask("key", more, { promised: "1:2-1000" }, known);

  it("opens everything when it opens the newest segment, which is all that is read", () => {
    const answer = key({ ...archive, to: 500 }, false);
    expect([answer.verdict, answer.asked]).to.deep.equal(["open", [`${segmentName(1, 1000)}.lz4`]]);
  });

  it("does not open what a time needs when the key was changed before it, found in a few reads and without the store's times", () => {
    const closed = segments(600, 1000);
    const answer = key({ ...archive, closed, to: 600 }, false);
    expect([answer.verdict, answer.segment]).to.deep.equal(["closed", segmentName(1, 600)]);
    expect(answer.asked).to.have.length.below(15);
  });

  it("opens what a time needs when the key was changed after it", () => {
    expect(key({ ...archive, closed: segments(600, 1000), to: 599 }).verdict).to.equal("open");
    expect(key({ ...archive, closed: segments(600, 1000), to: 300 }).verdict).to.equal("open");
  });

  it("opens up to an LSN, or to the end, or not", () => {
    const closed = segments(600, 1000);
    expect(key({ ...archive, closed, to: `lsn:${lsn(599 * SEGMENT + 1)}` }).verdict).to.equal("open");
    expect(key({ ...archive, closed, to: `lsn:${lsn(600 * SEGMENT + 1)}` }).segment).to.equal(
      segmentName(1, 600),
    );
    expect(key({ ...archive, closed, to: "latest" }).segment).to.equal(segmentName(1, 1000));
    expect(key({ ...archive, closed, to: "name:x" }).verdict).to.equal("open");
  });
});
