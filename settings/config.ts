import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "./rules/rule";

/** Keys that are text whatever they look like; all others are JSON. */
const TEXT = ["dataSize", "storageClass"];

/** Keys that may hold secrets: no message shows a value from them. */
const MAY_BE_SECRET = ["backup", "cloneFrom", "image"];

/** Pulumi.yaml's defaults for keys that a stack may leave out; a key without a default Pulumi would demand. */
const LEFT_OUT = ["", "{}"];

/** What the stack says below the project's name, `postgres-stack:` unless somebody renamed it, as it stands there. */
export interface StackValues {
  readonly values: Record<string, unknown>;
  readonly problems: readonly Problem[];
}

/**
 * Reads the stack's configuration. Values are plain, secrets too: `pulumi.Config` would print a secret that has the wrong
 * type, so nothing is checked here.
 */
export function readConfig(): StackValues {
  const prefix = `${pulumi.getProject()}:`;
  const own = Object.entries(pulumi.runtime.allConfig()).filter(
    ([key, text]) => key.startsWith(prefix) && !LEFT_OUT.includes(text),
  );
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [fullKey, text] of own) {
    const key = fullKey.slice(prefix.length);
    if (isSecret(fullKey) && !MAY_BE_SECRET.includes(key)) problems.push({ path: key, message: NEEDLESS });
    else values[key] = readValue(key, text);
  }
  return { values, problems };
}

const NEEDLESS =
  "is encrypted, but would end up in plain (only backup, cloneFrom and image hold secrets: store it in plain)";

/** The value of a key that is kept as text: Pulumi writes `true` as `"true"`, and objects as JSON where it has to. */
export function readValue(key: string, text: string): unknown {
  if (TEXT.includes(key)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a stack's file has a key encrypted. The SDK has this function at run time; its type declarations leave it out. */
export function isSecret(fullKey: string): boolean {
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
  return isConfigSecret(fullKey);
}
