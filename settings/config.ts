import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "./rules/rule";

/** Keys that are always text; all others are JSON. */
const TEXT = ["dataSize", "storageClass"];

/** Keys that may hold secrets; no message shows their values. */
const MAY_BE_SECRET = ["backup", "cloneFrom", "image"];

/** Pulumi.yaml's defaults for optional keys: Pulumi would require a key without a default. */
const LEFT_OUT = ["", "{}"];

/** The raw values below the project's name, which is `postgres-stack:` unless somebody renamed the project. */
export interface StackValues {
  readonly values: Record<string, unknown>;
  readonly problems: readonly Problem[];
}

/**
 * Reads the stack's configuration and checks no types: `pulumi.Config` would print a secret of the wrong type. The values are
 * plain text, secrets included.
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
  "is encrypted, but would end up in plaintext (only backup, cloneFrom and image hold secrets: store it in plaintext)";

/** Parses the text of a key: Pulumi writes `true` as `"true"`, and objects as JSON where it must. */
export function readValue(key: string, text: string): unknown {
  if (TEXT.includes(key)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a stack's file encrypts a key. The SDK has this function at run time, but its type declarations omit it. */
export function isSecret(fullKey: string): boolean {
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
  return isConfigSecret(fullKey);
}
