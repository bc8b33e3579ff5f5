import type { StackConfig } from "../schema";

/** One problem: a path in the stack's file, and a message that never repeats a secret. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A rule between keys that are each valid alone. */
export interface Rule {
  /** Paths that the rule reads; it runs only if they are all valid. */
  readonly needs: readonly string[];
  check(config: StackConfig): readonly Problem[];
}

/** A list with one problem, or an empty one. */
export function unless(holds: boolean, path: string, message: string): readonly Problem[] {
  return holds ? [] : [{ path, message }];
}
