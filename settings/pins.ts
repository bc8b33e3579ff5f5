import pins from "../image/pins.json";
import type { Major } from "./major";

/** The official base image of a major by digest; undefined where none is pinned. */
export function pinnedBase(major: Major): string | undefined {
  return (pins.baseImage as Partial<Record<Major, string>>)[major];
}
