import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./config";
import { overlay, variables } from "./environment";
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
  const input = withNamespace(values, `${project}-${stack}`);
  const local = join(__dirname, "..", "local.env");
  const complete =
    values.fromEnvironment === true
      ? overlay(input, variables(local, process.env), `${project}/${stack}`)
      : input;
  const read = readStack(complete, problems);
  if ("problems" in read) throw settingsError(stack, read.problems);
  return resolve(read.config);
}

/** The namespace of a stack that names none. */
function withNamespace(values: Record<string, unknown>, namespace: string): Record<string, unknown> {
  const { placement = {} } = values;
  const isObject = typeof placement === "object" && placement !== null;
  return { ...values, placement: isObject ? { namespace, ...placement } : placement };
}
