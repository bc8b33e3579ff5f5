/** Extracts the duration of a benchmark's phases from logs, and tabulates them. */
import { table } from "./table";

export type Times = Readonly<Record<string, number>>;

export interface Row {
  readonly name: string;
  readonly times: readonly Times[];
  /** Columns after the total, such as a ratio. */
  readonly more?: readonly string[];
}

/**
 * Seconds of each phase whose end is in the log, of the `rest` and of the `total`.
 *
 * @param ends the log line that ends each phase
 * @param log lines with a leading timestamp, as `docker logs -t` prints them
 * @param begin start of the whole in milliseconds since 1970
 * @param end its end
 */
export function phases(
  ends: Readonly<Record<string, RegExp>>,
  log: string,
  begin: number,
  end: number,
): Times {
  const lines = log.split("\n");
  const times: Record<string, number> = {};
  let last = begin;
  for (const [phase, pattern] of Object.entries(ends)) {
    const line = lines.find((line) => pattern.test(line));
    if (line === undefined) continue;
    const at = Date.parse(line.split(" ")[0] ?? "");
    times[phase] = (at - last) / 1000;
    last = at;
  }
  return { ...times, rest: (end - last) / 1000, total: (end - begin) / 1000 };
}

/** The median of one column; NaN if no row has it. */
export function median(times: readonly Times[], column: string): number {
  const values = sorted(times, column);
  const [low, high] = [values[(values.length - 1) >> 1], values[values.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

function sorted(times: readonly Times[], column: string): number[] {
  return times.flatMap((of) => of[column] ?? []).sort((a, b) => a - b);
}

/** A Markdown table of medians, with minimum and maximum of the total. `more`: headings of the columns after it. */
export function timesTable(ends: Readonly<Record<string, RegExp>>, rows: Row[], more: string[] = []): string {
  const headings = [...Object.keys(ends), "rest", "total"];
  const lines = rows.map(({ name, times, more = [] }) => {
    return [name, ...headings.map((heading) => cell(times, heading)), ...more];
  });
  return table(["seconds", ...headings, ...more], lines);
}

function cell(times: readonly Times[], column: string): string {
  const values = sorted(times, column);
  if (values.length === 0) return "";
  const middle = median(times, column).toFixed(1);
  return column === "total" ? `${middle} (${values[0]?.toFixed(1)} to ${values.at(-1)?.toFixed(1)})` : middle;
}
