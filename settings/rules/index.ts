import type { z } from "zod";
import type { StackConfig } from "../schema";
import { backupRules } from "./backup";
import { gucRules } from "./gucs";
import { imageRules } from "./image";
import { limitRules } from "./limits";
import { memoryRules } from "./memory";
import { requestRules } from "./request";
import type { Rule } from "./rule";
import { upgradeRules } from "./upgrade";

const RULES: readonly Rule[] = [
  ...imageRules,
  ...backupRules,
  ...requestRules,
  ...upgradeRules,
  ...gucRules,
  ...limitRules,
  ...memoryRules,
];

/**
 * Adds the problems between keys to those of single keys. Skips a rule if one of its keys is already wrong, so that one
 * mistake is one line; an unknown key blocks no rule.
 */
export function applyRules(given: StackConfig, context: z.core.$RefinementCtx<StackConfig>): void {
  const config = withTextsOnly(given);
  for (const rule of RULES) {
    const wrong = context.issues
      .filter(({ code }) => code !== "unrecognized_keys")
      .map(({ path }) => lower(path));
    if (rule.needs.some((need) => wrong.some((path) => overlap(path, need.toLowerCase())))) continue;
    for (const { path, message } of rule.check(config)) {
      context.addIssue({ code: "custom", path: split(path), message });
    }
  }
}

/** The rules see all values, right or wrong; PostgreSQL settings that aren't text have already been reported. */
function withTextsOnly(config: StackConfig): StackConfig {
  const settings: unknown = config.postgres?.settings;
  const entries =
    typeof settings === "object" && !Array.isArray(settings) ? Object.entries(settings ?? {}) : [];
  const texts = Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
  return { ...config, postgres: { ...config.postgres, settings: texts } };
}

function lower(path: readonly PropertyKey[] | undefined): string {
  return (path ?? []).join(".").toLowerCase();
}

/** Whether the paths are equal, or one contains the other. */
function overlap(a: string, b: string): boolean {
  return a === b || a === "" || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

/** An extension's setting contains a dot, but is one key. */
function split(path: string): string[] {
  const settings = "postgres.settings.";
  return path.startsWith(settings) ? ["postgres", "settings", path.slice(settings.length)] : path.split(".");
}
