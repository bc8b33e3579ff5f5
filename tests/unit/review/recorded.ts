import { join } from "node:path";

/** Where the recorded preview of a change is; tests/stack/record-previews.ts writes it. */
export function fileOf(what: string): string {
  return join(__dirname, "recorded", `${what.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.json`);
}
