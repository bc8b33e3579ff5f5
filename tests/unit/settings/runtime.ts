import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { load } from "js-yaml";
import { loadSettings } from "../../../settings";
import type { Tree } from "./stack";

const ROOT = join(__dirname, "../../..");

/** A file of the project. */
export function yaml(file: string): { config: Tree } {
  return load(readFileSync(join(ROOT, file), "utf8")) as { config: Tree };
}

/** Puts values where Pulumi's runtime has them: text, objects as JSON, with or without the project's name. */
export async function configure(values: Tree, secretKeys: string[] = [], stack = "test"): Promise<void> {
  const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
  await pulumi.runtime.setMocks(mocks, "postgres-stack", stack);
  const texts = Object.entries(values).map(([key, value]) => [
    key.includes(":") ? key : `postgres-stack:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const secret = secretKeys.map((key) => `postgres-stack:${key}`);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts), secret);
}

/** The error that loading must end with. */
export function failure(): pulumi.RunError {
  try {
    loadSettings();
  } catch (error) {
    expect(pulumi.RunError.isInstance(error), "Pulumi prints it without a stack trace").to.equal(true);
    return error as pulumi.RunError;
  }
  throw new Error("the settings were accepted");
}
