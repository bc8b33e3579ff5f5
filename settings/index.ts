import * as pulumi from "@pulumi/pulumi";
import { complete } from "./complete";
import { readConfig } from "./config";
import type { DatabaseInput } from "./input";
import { readStack, settingsError } from "./problems";
import { resolve } from "./resolve";
import type { Settings } from "./settings";

export type { DatabaseInput } from "./input";
export type { BackupSettings, BuiltImage, ImageSettings, PostgresSettings, Settings } from "./settings";

/**
 * Reads, checks and resolves the settings of the current stack: `postgres-stack:` in its file and, with `fromEnvironment`,
 * the environment and `local.env`.
 *
 * @throws one error without a stack trace that lists every problem, before anything is registered
 */
export function loadSettings(): Settings {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  const { values, problems } = readConfig();
  const read = readStack(complete(values, { project, stack }), problems);
  if ("problems" in read) throw settingsError(`stack ${stack}`, read.problems);
  return resolve(read.config);
}

/**
 * Checks and resolves the settings that a program passes for one of its databases.
 *
 * @param database its name, unique in the program; the default namespace is `<project>-<stack>-<database>`
 * @param values the keys of a stack's file (docs/settings.md); secrets as text or as outputs
 * @throws one error without a stack trace that lists every problem
 */
export function settingsFrom(database: string, values: DatabaseInput): Settings {
  const owner = { project: pulumi.getProject(), stack: pulumi.getStack(), database };
  const read = readStack(complete({ ...values }, owner));
  if ("problems" in read) throw settingsError(`database ${database}`, read.problems);
  return resolve(read.config);
}
