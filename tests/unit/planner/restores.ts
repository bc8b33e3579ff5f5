import { expect } from "chai";
import {
  at,
  type Backup,
  backupList,
  fieldsOf,
  historyFile,
  microseconds,
  planner,
  SEGMENT,
  segmentName,
} from "./planner";

const NOW = 1000;

/** An archive, and what is asked of it. Times are minutes. */
export interface Case {
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

export function request({
  timeline = 1,
  to = "latest",
  backup = "",
  byName = false,
  live,
  system = "",
}: Case) {
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

export function files({
  backups,
  wal = [],
  left = [],
  began = [],
  reach,
  local,
}: Case): Record<string, string> {
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
export function ask(plan: string, archive: Case, more: Record<string, string> = {}, known = false) {
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

export const plan = (archive: Case) => ask("restore", archive);
export const full = (timeline: number, segment: number, minute: number): Backup => ({
  timeline,
  segment,
  minute,
});
