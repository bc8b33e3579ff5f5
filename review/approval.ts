import { createHash } from "node:crypto";
import type { Review, ReviewedRow } from "./verdict";

/** A review without rows: must differ from a missing review. */
const NONE = "none";

/** The rows of the reviews as one line of plain words, to compare with later reviews. */
export function rowsSeen(reviews: readonly Review[]): string {
  const marks = reviews.flatMap(({ stack, rows }) => rows.map((row) => markOf(stack, row)));
  return [...new Set(marks)].join(" ") || NONE;
}

/** What comes or goes, or is made anew, in the words of its row. */
const COMES_OR_GOES = /^(created|deleted|replaced)\b/;

/**
 * The rows that were not in the review that somebody has approved. Those of which the server takes no notice don't count, as the
 * names of what an update makes for itself depend on what ran before; what comes or goes does: a stack whose state was lost
 * meanwhile is made anew.
 *
 * @param seen the result of {@link rowsSeen} for the approved review
 */
export function rowsUnseen(reviews: readonly Review[], seen: string): ReviewedRow[] {
  const known = new Set(seen.split(" "));
  return reviews.flatMap(({ stack, rows }) =>
    rows.filter(
      (row) => (row.effect !== "nothing" || COMES_OR_GOES.test(row.change)) && !known.has(markOf(stack, row)),
    ),
  );
}

/** Identifies a row; safe to quote anywhere, whatever the row says. */
function markOf(stack: string, { resource, change, effect }: ReviewedRow): string {
  const what = JSON.stringify([stack, resource, change, effect]);
  return createHash("sha256").update(what).digest("hex").slice(0, 16);
}
