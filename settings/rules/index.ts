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
 * Adds what keys get wrong together to what each got wrong alone. A rule whose keys are wrong already is left out, so that
 * one mistake is one line; a key that nobody knows harms no rule.
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

/** The rules see what is there, right or wrong; settings of PostgreSQL that are no text have been reported. */
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

/** Whether one path is the other's, or within it. */
function overlap(a: string, b: string): boolean {
  return a === b || a === "" || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

/** An extension's setting has a dot of its own; it is one key. */
function split(path: string): string[] {
  const settings = "postgres.settings.";
  return path.startsWith(settings) ? ["postgres", "settings", path.slice(settings.length)] : path.split(".");
}
