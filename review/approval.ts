import { createHash } from "node:crypto";
import type { Review, ReviewedRow } from "./verdict";

/** A review without rows: must differ from a missing review. */
const NONE = "none";

/** The rows of the reviews as one line of plain words, to compare with later reviews. */
export function rowsSeen(reviews: readonly Review[]): string {
  const marks = reviews.flatMap(({ stack, rows }) => rows.map((row) => markOf(stack, row)));
  return [...new Set(marks)].join(" ") || NONE;
}

/** A row about an object that is created, deleted or replaced. */
const COMES_OR_GOES = /^(created|deleted|replaced)\b/;

/**
 * The rows that the approved review did not have. Rows without effect on the server don't count: the names of the objects that an
 * update creates for itself depend on earlier runs. Created, deleted and replaced objects do count: a stack that lost its state
 * since the review is created again.
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
