import type { Context } from "mocha";

/** Counts a test, or all of a `describe`, as skipped, and says what is missing. */
export function skip(test: Context, why: string): never {
  console.log(`      skipped: ${why}`);
  return test.skip();
}
