import pins from "../image/pins.json";
import type { Major } from "./major";

/** The digest-pinned official base image of a major; undefined if none is pinned. */
export function pinnedBase(major: Major): string | undefined {
  return (pins.baseImage as Partial<Record<Major, string>>)[major];
}
