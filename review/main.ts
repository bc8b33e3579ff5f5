/** `make review`: a table of the effects of a change on the database. Exit codes: docs/review.md. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { rowsSeen, rowsUnseen } from "./approval";
import { plansSince } from "./commits";
import { readPreview } from "./preview";
import type { Plan } from "./step";
import { json, markdown } from "./table";
import { UsageError } from "./usage";
import { exitCode, judge } from "./verdict";

const OPTIONS = {
  stack: { type: "string", multiple: true },
  base: { type: "string" },
  preview: { type: "string" },
  cwd: { type: "string" },
  json: { type: "boolean", default: false },
  reviewed: { type: "string" }, // fails on rows that this review lacks
  "reviewed-to": { type: "string" }, // the file for the rows of this review
} as const;

/** A preview's JSON with the state of every resource: 150 kB for one instance. */
const LARGEST = 2 ** 30;

type Options = ReturnType<typeof parse>["values"];

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const plans = await plansOf(values, positionals);
  const today = new Date().toISOString().slice(0, 10);
  const reviews = plans.map((plan) => judge(plan, today));
  process.stdout.write(values.json ? json(reviews) : markdown(reviews));
  process.exitCode = exitCode(reviews);
  if (values["reviewed-to"] !== undefined) writeFileSync(values["reviewed-to"], rowsSeen(reviews));
  const unseen = values.reviewed === undefined ? [] : rowsUnseen(reviews, values.reviewed);
  if (unseen.length === 0) return;
  const list = unseen.map(({ resource, change, effect }) => `  ${effect}: ${resource}, ${change}`);
  console.error(
    ["error: not in the review that was approved, so something has changed since:", ...list].join("\n"),
  );
  console.error("Nothing was changed. Have a new review approved: run all jobs again.");
  process.exitCode ||= 1;
}

function parse() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function plansOf(options: Options, more: readonly string[]): Promise<Plan[]> {
  const { base, preview: file, stack: stacks = [] } = options;
  if (base !== undefined) {
    if (file !== undefined || more.length > 0)
      throw new UsageError("--base takes neither --preview nor arguments of pulumi preview");
    return plansSince(
      resolve(__dirname, ".."),
      base,
      stacks.map((stack) => stack.slice(stack.lastIndexOf("/") + 1)), // a file has no organization in its name
    );
  }
  const [stack, another] = stacks;
  if (stack === undefined || another !== undefined)
    throw new UsageError("one --stack is needed, unless --base compares all of them");
  // a pipe may have nothing to read yet, which a synchronous read takes for an error
  if (file === "-") return [readPreview(stack, await text(process.stdin))];
  if (file !== undefined) return [readPreview(stack, readFileSync(file, "utf8"))];
  return [preview(stack, more, options.cwd)];
}

/** Runs the preview; its errors stay visible on stderr. */
function preview(stack: string, more: readonly string[], cwd?: string): Plan {
  const whole = ["--json", "--show-replacement-steps"];
  const args = ["preview", ...whole, "--non-interactive", "--stack", stack, ...more];
  const { status, error, stdout } = spawnSync("pulumi", args, {
    cwd,
    encoding: "utf8",
    maxBuffer: LARGEST,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) throw new UsageError(`pulumi can't be run: ${error.message}`);
  return readPreview(stack, stdout, status ?? 1);
}

main().catch((error: Error) => {
  console.error(`error: ${error instanceof UsageError ? error.message : error.stack}`);
  process.exitCode = 2;
});
