import type { Change } from "./diff";
import type { Row } from "./effects";

export type Values = Readonly<Record<string, unknown>>;

/** What an update does with one resource. `unknown`: an operation that this program has never heard of. */
export type Operation = "create" | "update" | "replace" | "delete" | "unknown";

/** One resource that an update touches, whether a preview or two versions of the program say so. */
export interface Step {
  readonly operation: Operation;
  readonly type: string;
  readonly name: string;
  /** Types of the resources around it, from the outside: `postgres-stack:k8s:PostgresInstance`. */
  readonly within: readonly string[];
  /** Name of the resource around it, if any. */
  readonly parent?: string;
  /** Inputs; none before a creation, none after a deletion. Secrets are hidden. */
  readonly before?: Values;
  readonly after?: Values;
  /** What differs, also where both sides are hidden. */
  readonly changes: readonly Change[];
  /** Paths that can't change in place, as the provider or its rules name them. */
  readonly replacedBy: readonly string[];
  /** Pulumi refuses to delete or replace it: it is protected, and stays so. */
  readonly protect: boolean;
  /** The object outlives the resource: what counts is what the last update said, not what this one says. */
  readonly retain: boolean;
}

/** What can be told about an update of one stack. */
export interface Plan {
  readonly stack: string;
  readonly steps: readonly Step[];
  /** Why the steps are incomplete, in the words of who found out; the update would not go through either. */
  readonly failure?: string;
  /** `postgres-stack:review` of the stack's file, unchecked. */
  readonly review: unknown;
  /** `postgres.version` of the stack's file, unchecked; a step that says it goes first. */
  readonly version?: unknown;
  /** What no step shows, and a reader should know. */
  readonly more: readonly Row[];
}

/** What a stack's file says below the project's name, whatever that is. */
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

/** Reads `urn:pulumi:<stack>::<project>::<type>$<type>::<name>`: the types from the outside, and the name. */
export function readUrn(urn: string): { types: string[]; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { types: types.split("$"), name: name.join("::") };
}

/** Whether a resource is part of this product's components, whose meaning is known. */
export function isOurs({ within }: Step): boolean {
  return within.includes(INSTANCE) || within.includes(IMAGE);
}

/** The value at a path of a resource's inputs; undefined where there is none. */
export function at(inputs: Values | undefined, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Values | undefined)?.[key], inputs);
}
