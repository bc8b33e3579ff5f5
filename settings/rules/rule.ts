import type { StackConfig } from "../schema";

/** One thing that is wrong: a path in the stack's file, and a sentence that never repeats a secret. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** What keys must hold together, when each of them alone is right. */
export interface Rule {
  /** Paths that the rule looks at: it waits until they are right. */
  readonly needs: readonly string[];
  check(config: StackConfig): readonly Problem[];
}

/** A list of one problem, or none. */
export function unless(holds: boolean, path: string, message: string): readonly Problem[] {
  return holds ? [] : [{ path, message }];
}
