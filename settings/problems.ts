import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { didYouMean } from "./nearest";
import { applyRules } from "./rules";
import type { Problem } from "./rules/rule";
import { type StackConfig, stackSchema } from "./schema";

/** Checks each key, then the rules between keys, even if a key is wrong. */
const checked = stackSchema.superRefine(applyRules, { when: () => true });

/** One error for all problems, which Pulumi prints without a stack trace. */
export function settingsError(where: string, problems: readonly Problem[]): pulumi.RunError {
  const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
  const title = `${problems.length} ${problems.length === 1 ? "setting is" : "settings are"} wrong in ${where}`;
  return new pulumi.RunError([`${title}; nothing was touched:`, ...lines].join("\n"));
}

/**
 * Checks a whole configuration: every key, and each rule between keys whose keys are right.
 *
 * @param found problems already known; their keys are not checked again
 */
export function readStack(
  input: Record<string, unknown>,
  found: readonly Problem[] = [],
): { config: StackConfig } | { problems: readonly Problem[] } {
  const result = checked.safeParse(input, { error: plainWords });
  if (result.success && found.length === 0) return { config: result.data };
  const known = found.map(({ path }) => path);
  const more = (result.error?.issues ?? []).flatMap(describe).filter(({ path }) => !known.includes(path));
  return { problems: [...found, ...more] };
}

function describe(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  const known = knownKeys(issue.path);
  return issue.keys.map((key) => ({
    path: [...issue.path, key].join("."),
    message: `is not a setting${didYouMean(key, known) || ` (known here: ${known.join(", ")})`}`,
  }));
}

/** Keys of the schema's object at a path. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: z.core.$ZodType = stackSchema;
  for (const key of path) schema = objectOf(schema)?.shape[String(key)] ?? schema;
  return Object.keys(objectOf(schema)?.shape ?? {});
}

function objectOf(schema: z.core.$ZodType): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema;
  const wrapped = (schema as { unwrap?: () => z.core.$ZodType }).unwrap?.();
  return wrapped && objectOf(wrapped);
}

/** Messages for issues that the schema's fields don't word themselves. */
function plainWords(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return "is missing";
  if (issue.code === "invalid_value") return `must be one of: ${issue.values.join(", ")}`;
  if (issue.code === "invalid_type") return `must be ${TYPES[issue.expected] ?? issue.expected}`;
  return "is not valid";
}

const TYPES: Readonly<Record<string, string>> = {
  boolean: "true or false",
  object: "an object of settings",
  record: "an object of names and values",
  string: "text",
};
