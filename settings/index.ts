import * as pulumi from "@pulumi/pulumi";
import { complete } from "./complete";
import { readConfig } from "./config";
import { readStack, settingsError } from "./problems";
import { resolve } from "./resolve";
import type { Settings } from "./settings";

export type { BackupSettings, BuiltImage, ImageSettings, PostgresSettings, Settings } from "./settings";

/**
 * Reads, checks and works out the settings of the stack that runs: `postgres-stack:` in its file, and for a stack that
 * says `fromEnvironment` the environment and `local.env` too.
 *
 * @throws one error without a stack trace that lists every problem; nothing has been registered by then
 */
export function loadSettings(): Settings {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  const { values, problems } = readConfig();
  const read = readStack(complete(values, { project, stack }), problems);
  if ("problems" in read) throw settingsError(`stack ${stack}`, read.problems);
  return resolve(read.config);
}
