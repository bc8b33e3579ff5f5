import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PLANNER = join(__dirname, "../../../docker-context/scripts/lib/planner/planner.pl");

export interface Answer {
  code: number | null;
  lines: string[];
  error: string;
}

/** Runs the planner on a folder with these files. */
export function planner(
  plan: string,
  files: Record<string, string>,
  fields: Record<string, string | number>,
): Answer {
  const folder = mkdtempSync(join(tmpdir(), "planner-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const request = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    const { status, stdout, stderr } = spawnSync("perl", [PLANNER, plan, folder, ...request], {
      encoding: "utf8",
    });
    return { code: status, lines: stdout.split("\n").filter(Boolean), error: stderr.trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const SEGMENT = 16 * 2 ** 20;
export const SYSTEM = "7712791328302178412";

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");

/** Name of a segment of 16 MiB. */
export const segmentName = (timeline: number, number: number) =>
  `${hex(timeline, 8)}${hex(Math.floor(number / 256), 8)}${hex(number % 256, 8)}`;

/** A base backup as the tests think of one: it starts in a segment and ends in that segment; minutes tell when it ended. */
export interface Backup {
  timeline: number;
  segment: number;
  minute: number;
  system?: string;
  permanent?: boolean;
  /** Timeline and segment of the backup that an increment was made on. */
  on?: [number, number];
  version?: number;
  bytes?: number;
}

export const backupName = ({ timeline, segment, on }: Backup) =>
  `base_${segmentName(timeline, segment)}${on ? `_D_${segmentName(...on)}` : ""}`;

const EPOCH = Date.UTC(2026, 0, 1);
export const at = (minute: number) => new Date(EPOCH + minute * 60_000).toISOString();
export const seconds = (minute: number) => EPOCH / 1000 + minute * 60;

/** What `wal-g backup-list --json --detail` prints. Identifiers have more digits than a number here keeps. */
export function backupList(backups: Backup[]): string {
  const entries = backups.map((backup) => {
    const entry = {
      backup_name: backupName(backup),
      time: at(0), // of the store: means nothing
      start_time: at(backup.minute - 0.5),
      finish_time: at(backup.minute),
      pg_version: backup.version ?? 180006,
      start_lsn: backup.segment * SEGMENT + 40,
      finish_lsn: backup.segment * SEGMENT + 500,
      is_permanent: backup.permanent ?? false,
      uncompressed_size: backup.bytes ?? 2 ** 20,
    };
    return `${JSON.stringify(entry).slice(0, -1)},"system_identifier":${backup.system ?? SYSTEM}}`;
  });
  return `[${entries.join(",")}]\n`;
}

/** A history file; each timeline was left at a segment's beginning. */
export const historyFile = (left: [timeline: number, segment: number][]) =>
  left.map(([timeline, segment]) => `${timeline}\t${lsn(segment * SEGMENT)}\tno reason\n`).join("\n");

export const lsn = (bytes: number) => `${hex(Math.floor(bytes / 2 ** 32), 1)}/${hex(bytes % 2 ** 32, 1)}`;
