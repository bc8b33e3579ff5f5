import type { Change } from "./diff";
import type { Row } from "./effects";

export type Values = Readonly<Record<string, unknown>>;

/** What an update does with one resource. `unknown`: an operation that this program doesn't know. */
export type Operation = "create" | "update" | "replace" | "delete" | "unknown";

/** One resource that an update touches, from a preview or from two versions of the program. */
export interface Step {
  readonly operation: Operation;
  readonly type: string;
  readonly name: string;
  /** Types of its parents, from the outside: `postgres-stack:k8s:PostgresInstance`. */
  readonly within: readonly string[];
  /** Name of its parent, if any. */
  readonly parent?: string;
  /** Inputs; undefined before a creation and after a deletion. Secrets are hidden. */
  readonly before?: Values;
  readonly after?: Values;
  /** The differences, also between hidden values. */
  readonly changes: readonly Change[];
  /** Paths that can't change in place, according to the provider or its rules. */
  readonly replacedBy: readonly string[];
  /** Pulumi refuses to delete or replace it: it is protected, and stays protected. */
  readonly protect: boolean;
  /** The object outlives the resource; the option of the last update counts, not that of this one. */
  readonly retain: boolean;
}

/** What is known about an update of one stack. */
export interface Plan {
  readonly stack: string;
  readonly steps: readonly Step[];
  /** Why the steps are incomplete, in the words of the reporting program; the update would fail too. */
  readonly failure?: string;
  /** `postgres-stack:review` of the stack's file, unchecked. */
  readonly review: unknown;
  /** `postgres.version` of the stack's file, unchecked; a step with a version overrides it. */
  readonly version?: unknown;
  /** Rows about facts that no step shows. */
  readonly more: readonly Row[];
}

/** A value of a stack's file below the project's name, whatever that name is. */
export function ownValue(config: Values | undefined, name: "review" | "postgres"): unknown {
  const key = Object.keys(config ?? {}).find((it) => it.endsWith(`:${name}`));
  return key === undefined ? undefined : config?.[key];
}

/** The version in `postgres-stack:postgres` of a stack's file. */
export function versionIn(postgres: unknown): unknown {
  return (postgres as { version?: unknown } | null | undefined)?.version;
}

export const INSTANCE = "postgres-stack:k8s:PostgresInstance";
export const IMAGE = "postgres-stack:image:PostgresImage";

/** Parses `urn:pulumi:<stack>::<project>::<type>$<type>::<name>`: the types from the outside, and the name. */
export function readUrn(urn: string): { types: string[]; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { types: types.split("$"), name: name.join("::") };
}

/** Whether a resource belongs to this product's components, which the rules know. */
export function isOurs({ within }: Step): boolean {
  return within.includes(INSTANCE) || within.includes(IMAGE);
}

/** The value at a path of a resource's inputs; undefined if there is none. */
export function at(inputs: Values | undefined, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Values | undefined)?.[key], inputs);
}
