import { createHash } from "node:crypto";
import type { Review, ReviewedRow } from "./verdict";

/** Of a review without any row: something has to tell it from no review. */
const NONE = "none";

/** The rows of reviews in one line of plain words, to be compared with later ones. */
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
 * @param seen what {@link rowsSeen} gave for it
 */
export function rowsUnseen(reviews: readonly Review[], seen: string): ReviewedRow[] {
  const known = new Set(seen.split(" "));
  return reviews.flatMap(({ stack, rows }) =>
    rows.filter(
      (row) => (row.effect !== "nothing" || COMES_OR_GOES.test(row.change)) && !known.has(markOf(stack, row)),
    ),
  );
}

/** What happens to what; in words that may be quoted anywhere, whatever the row says. */
function markOf(stack: string, { resource, change, effect }: ReviewedRow): string {
  const what = JSON.stringify([stack, resource, change, effect]);
  return createHash("sha256").update(what).digest("hex").slice(0, 16);
}
