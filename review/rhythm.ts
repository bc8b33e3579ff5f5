import { Cron } from "croner";

/** The frequency of a schedule, in milliseconds. */
export interface Rhythm {
  /** The longest time between two runs. */
  readonly longest: number;
  /** The average time between two runs. */
  readonly mean: number;
}

const DAY = 86_400_000;

/** Any year works, as long as both schedules of a comparison use the same. */
const START = Date.UTC(2025, 0, 1);

/** Two runs are at most eight years apart: 29 February, across 2100. */
const LATEST = START + 9 * 366 * DAY;

const known = new Map<string, Rhythm | undefined>();

/**
 * The frequency of a schedule in UTC over a year; for a rarer schedule over its first two runs.
 *
 * @returns undefined if the schedule can't be parsed
 */
export function rhythmOf(schedule: unknown): Rhythm | undefined {
  if (typeof schedule !== "string") return undefined;
  if (!known.has(schedule)) known.set(schedule, calculated(schedule)); // a year of runs takes milliseconds
  return known.get(schedule);
}

function calculated(schedule: string): Rhythm | undefined {
  const cron = read(schedule);
  if (cron === undefined) return undefined;
  const days: number[][] = [];
  for (let from = START; from < LATEST && !(days.length > 1 && from > START + 366 * DAY); ) {
    const first = nextFrom(cron, from);
    if (first === undefined) break;
    days.push(days[0]?.map((run) => run + dayOf(first) - dayOf(days[0]?.[0] ?? 0)) ?? runsOfDay(cron, first));
    from = dayOf(first) + DAY;
  }
  const runs = days.flat();
  const gaps = runs.slice(1).map((run, i) => run - (runs[i] ?? 0));
  if (gaps.length === 0) return undefined;
  return {
    longest: gaps.reduce((a, b) => Math.max(a, b)),
    mean: gaps.reduce((a, b) => a + b) / gaps.length,
  };
}

function read(schedule: string): Cron | undefined {
  try {
    return new Cron(schedule, { mode: "5-part", timezone: "UTC", paused: true });
  } catch {
    return undefined;
  }
}

/** The first run at or after a time. */
function nextFrom(cron: Cron, time: number): number | undefined {
  return cron.nextRun(new Date(time - 1000))?.getTime();
}

/** All runs on the day of a run. Every day with runs has them at the same hours and minutes. */
function runsOfDay(cron: Cron, first: number): number[] {
  const runs: number[] = [];
  for (let run: number | undefined = first; run !== undefined && run < dayOf(first) + DAY; ) {
    runs.push(run);
    run = nextFrom(cron, run + 60_000);
  }
  return runs;
}

function dayOf(time: number): number {
  return Math.floor(time / DAY) * DAY;
}
