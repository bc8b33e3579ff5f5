import { readStack } from "../../../settings/problems";
import type { StackConfig } from "../../../settings/schema";

export type Tree = Record<string, unknown>;

/** A stack that is right; what a test is about is laid over it. */
const RIGHT: Tree = {
  dataSize: "20Gi",
  image: { repository: "registry.example.com/postgres" },
  backup: { prefix: "s3://bucket/path", schedule: "15 2 * * *" },
  placement: { namespace: "here" },
};

/** Lays trees over each other; `undefined` removes a key. */
export function merge(below: unknown, above: unknown): unknown {
  if (!isTree(below) || !isTree(above)) return above;
  const result = { ...below };
  for (const [key, value] of Object.entries(above)) result[key] = merge(below[key], value);
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function stackWith(overlay: Tree): Tree {
  return merge(structuredClone(RIGHT), overlay) as Tree;
}

/** The configuration of a stack that must be right. */
export function configOf(overlay: Tree): StackConfig {
  const read = readStack(stackWith(overlay));
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  return read.config;
}

/** `path: message` of everything that is wrong. */
export function problemsOf(overlay: Tree): string[] {
  const read = readStack(stackWith(overlay));
  return "problems" in read ? read.problems.map(({ path, message }) => `${path}: ${message}`) : [];
}
