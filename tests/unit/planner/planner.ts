import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PLANNER = join(__dirname, "../../../docker-context/scripts/lib/planner/planner.pl");

export interface Answer {
  code: number;
  lines: string[];
  error: string;
}

/**
 * A Perl that has loaded the planner's modules and, for each request, forks a process that runs the planner: a start of Perl costs
 * ten times as much. It reads arguments that end in NUL, a request ends in an empty one, and answers with the exit code.
 */
const SERVER = String.raw`
  use strict; use warnings; use JSON::PP; use File::Basename qw(dirname basename);
  my ($planner, $work) = @ARGV;
  unshift @INC, dirname($planner);
  require(basename($_)) for glob dirname($planner) . "/*.pm";
  open my $requests, "<", "$work/requests" or die $!;
  open my $answers, ">", "$work/answers" or die $!;
  $/ = "\0\0"; $answers->autoflush;
  while (my $request = <$requests>) {
    chomp $request;
    my $child = fork // die $!;
    if (!$child) {
      $/ = "\n"; @ARGV = split /\0/, $request;
      open STDIN, "<", "$work/in" or die $!; open STDOUT, ">", "$work/out" or die $!; open STDERR, ">", "$work/err" or die $!;
      do $planner; die $@ if $@; exit 0;
    }
    waitpid $child, 0;
    print $answers $? & 127 || $? >> 8, "\n";
  }
  unlink glob "$work/*"; rmdir $work;`;

interface Server {
  work: string;
  requests: number;
  answers: number;
}
let server: Server | undefined;

/** Starts the server of this process, which ends with it. */
function start(): Server {
  const work = mkdtempSync(join(tmpdir(), "planners-"));
  const [requests, answers] = [join(work, "requests"), join(work, "answers")];
  const made = spawnSync("mkfifo", [requests, answers], { encoding: "utf8" });
  const perl = spawnSync("perl", ["-MJSON::PP", "-e", "1"], { encoding: "utf8" });
  if (made.status !== 0 || perl.status !== 0)
    throw new Error(`no Perl to plan with: ${made.stderr}${perl.stderr}`);
  spawn("perl", ["-e", SERVER, PLANNER, work], { stdio: ["ignore", "ignore", "inherit"] }).unref();
  // each waits until the server has opened the other end
  return { work, requests: openSync(requests, "w"), answers: openSync(answers, "r") };
}

/** Runs the planner with standard input, as a process of its own. */
function run(args: readonly string[], input: string): Answer {
  server ??= start();
  const file = (name: string) => join((server as Server).work, name);
  writeFileSync(file("in"), input);
  writeSync(server.requests, `${args.join("\0")}\0\0`);
  const answer = Buffer.alloc(16);
  const code = Number.parseInt(answer.toString("utf8", 0, readSync(server.answers, answer)), 10);
  const [stdout, error] = ["out", "err"].map((name) => readFileSync(file(name), "utf8")) as [string, string];
  return { code, lines: stdout.split("\n").filter(Boolean), error: error.trim() };
}

/** Runs the planner on a folder with these files. */
export function planner(
  plan: string,
  files: Record<string, string>,
  fields: Record<string, string | number>,
  input = "",
): Answer {
  const folder = mkdtempSync(join(tmpdir(), "planner-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const request = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    return run([plan, folder, ...request], input);
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

/** What `wal-g st ls` prints of these objects; it changes the times of the store, which must mean nothing. */
export const listing = (objects: [name: string, bytes: number][]) =>
  [
    "type size    last modified                           name",
    ...objects.map(
      ([name, bytes], index) =>
        `obj  ${bytes} 2031-01-${String(28 - (index % 28)).padStart(2, "0")} 10:09:32.1 +0000 UTC ${name}      `,
    ),
    "",
  ].join("\n");

/** Numbers from the first to the last. */
export const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The lines as fields. */
export const fieldsOf = (lines: string[]) =>
  Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

export const microseconds = (minute: number) => seconds(minute) * 1_000_000;
