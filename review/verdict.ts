import { type Allowed, reviewSchema } from "../settings/review";
import { needsLeave, type Row } from "./effects";
import { impact } from "./impact";
import type { Plan } from "./step";

/** A row, with the leave that the stack's file gives. */
export interface ReviewedRow extends Row {
  /** Whether the row fails the review. */
  readonly blocks: boolean;
  /** The leave that permits it, or did until it expired. */
  readonly leave?: Allowed & { readonly expired: boolean };
}

/** The review of one stack. */
export interface Review {
  readonly stack: string;
  /** `failed`: the effects of the update are unknown. `dangerous`: an effect needs leave and has none. */
  readonly verdict: "ok" | "dangerous" | "failed";
  readonly rows: readonly ReviewedRow[];
  readonly failure?: string;
}

/**
 * Judges a plan.
 *
 * @param today the day in UTC, `2026-12-31`: a leave counts through its own day
 */
export function judge(plan: Plan, today: string): Review {
  const { stack } = plan;
  const parsed = reviewSchema.safeParse(plan.review ?? {});
  const failure = plan.failure ?? (parsed.success ? undefined : badReview(stack, parsed.error.issues));
  const allowed = parsed.data?.allow ?? [];
  const rows = impact(plan).map((row) => reviewed(row, allowed, today));
  if (failure !== undefined) return { stack, verdict: "failed", rows, failure };
  return { stack, verdict: rows.some(({ blocks }) => blocks) ? "dangerous" : "ok", rows };
}

function reviewed(row: Row, allowed: readonly Allowed[], today: string): ReviewedRow {
  if (row.effect === "refused") return { ...row, blocks: true }; // no leave makes a refused update work
  const effect = needsLeave(row);
  if (effect === undefined) return { ...row, blocks: false };
  const [latest] = allowed.filter((it) => it.effect === effect).sort((a, b) => (a.until < b.until ? 1 : -1));
  const expired = latest === undefined || latest.until < today;
  return { ...row, blocks: expired, ...(latest && { leave: { ...latest, expired } }) };
}

function badReview(stack: string, issues: readonly { path: PropertyKey[]; message: string }[]): string {
  const lines = issues.map(({ path, message }) => `  ${["review", ...path].join(".")}: ${message}`);
  return [`postgres-stack:review of stack ${stack} is wrong, so nothing is let through:`, ...lines].join(
    "\n",
  );
}

/** 0: go ahead; 1: something dangerous has no leave; 2: the update would fail, or its effects are unknown. */
export function exitCode(reviews: readonly Review[]): 0 | 1 | 2 {
  const verdicts = reviews.map(({ verdict }) => verdict);
  return verdicts.includes("failed") ? 2 : verdicts.includes("dangerous") ? 1 : 0;
}
