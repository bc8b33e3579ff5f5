/** The rows that a database may hold, by their numbers. */
export interface History {
  /** Acknowledged rows: they must exist. */
  readonly rows: ReadonlySet<number>;
  /** Moments to restore to, oldest first. */
  readonly points: readonly Point[];
  /** Times (milliseconds) at which base backups of this history ended. */
  readonly backups: readonly number[];
}

export interface Point {
  /** Between two commits, on the server's clock, in microseconds since 1970. */
  readonly time: bigint;
  readonly rows: ReadonlySet<number>;
}

export const NOTHING: History = { rows: new Set(), points: [], backups: [] };

/** The history after a restore to a point: later rows are on another timeline. */
export function upTo(history: History, point: Point): History {
  return {
    rows: point.rows,
    points: history.points.filter(({ time }) => time <= point.time),
    backups: history.backups.filter((time) => BigInt(time) * 1000n < point.time),
  };
}

/** Points that follow a base backup of the history. */
export function reachable({ points, backups }: History): readonly Point[] {
  const [first] = backups;
  return first === undefined ? [] : points.filter(({ time }) => time > BigInt(first) * 1000n);
}

/** Rows of `least` missing in `found`, and rows of `found` beyond `most`; empty when it is within the two. */
export function difference(
  found: ReadonlySet<number>,
  least: ReadonlySet<number>,
  most: ReadonlySet<number>,
): string {
  const lost = [...least].filter((row) => !found.has(row));
  const invented = [...found].filter((row) => !most.has(row));
  return [lost.length > 0 ? `lost ${lost}` : "", invented.length > 0 ? `not expected ${invented}` : ""]
    .filter(Boolean)
    .join(", ");
}

export function union(...sets: ReadonlySet<number>[]): Set<number> {
  return new Set(sets.flatMap((set) => [...set]));
}
