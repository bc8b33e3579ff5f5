import { label } from "./effects";
import type { Review, ReviewedRow } from "./verdict";

/** The reviews as Markdown: a heading for each stack, and one table, worst first. */
export function markdown(reviews: readonly Review[]): string {
  return `${reviews.map(section).join("\n\n")}\n`;
}

function section(review: Review): string {
  const { stack, rows, failure } = review;
  return [
    `### ${stack}: ${headline(review)}`,
    ...(failure === undefined ? [] : [fenced(failure)]),
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...closing(review),
  ].join("\n\n");
}

function headline({ verdict, rows, failure }: Review): string {
  const [worst] = rows;
  if (failure !== undefined)
    return `**this update would fail**${rows.length > 0 ? "; what is known of it" : ""}`;
  if (worst === undefined) return "no change";
  return verdict === "dangerous" ? `**${label(worst)}**` : label(worst);
}

function table(rows: readonly ReviewedRow[]): string {
  const lines = rows.map((row) => [
    row.resource,
    row.change,
    row.blocks ? `**${label(row)}**` : label(row),
    row.why + leave(row),
  ]);
  return [["resource", "change", "effect", "why"], ["---", "---", "---", "---"], ...lines]
    .map((cells) => `| ${cells.map(cell).join(" | ")} |`)
    .join("\n");
}

function leave({ leave: given }: ReviewedRow): string {
  if (given === undefined) return "";
  return given.expired
    ? `; the leave for it ended with ${given.until}`
    : `; allowed until ${given.until}: ${given.why}`;
}

/** Of a value: what a reader wants to see, with its end, in which two images by digest differ. */
const LONGEST = 80;

/** Cuts values that are too long for a cell. */
function shortened(text: string): string {
  return text.replace(/`([^`]+)`/g, (all, value: string) =>
    value.length > LONGEST ? `\`${value.slice(0, LONGEST / 2)}…${value.slice(-LONGEST / 2)}\`` : all,
  );
}

/** A cell of GitHub's tables: no line of its own, no column of its own, no HTML. */
function cell(text: string): string {
  return shortened(text).replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function fenced(text: string): string {
  return ["```text", text.replaceAll("```", "'''"), "```"].join("\n");
}

/** What to do about a failed review. */
function closing({ stack, verdict, rows }: Review): string[] {
  if (verdict !== "dangerous") return [];
  const blocking = rows.filter(({ blocks }) => blocks);
  const effects = [...new Set(blocking.map(({ effect }) => effect))].filter((effect) => effect !== "refused");
  const refused = blocking.some(({ effect }) => effect === "refused")
    ? ["What is refused can't be allowed: the update would stop there. Take that change back."]
    : [];
  if (effects.length === 0) return refused;
  const lines = effects.map((effect) => `      - { effect: ${effect}, until: <day>, why: <reason> }`);
  return [
    ...refused,
    `If it is meant, Pulumi.${stack}.yaml says so, with the last day on which that counts:`,
    ["```yaml", "  postgres-stack:review:", "    allow:", ...lines, "```"].join("\n"),
  ];
}

/** The reviews as JSON, for programs; docs/review.md describes it. */
export function json(reviews: readonly Review[]): string {
  return `${JSON.stringify({ reviews }, null, 2)}\n`;
}
