import type { Surroundings } from "../changes";
import { ACCESS } from "./access";
import { ARCHIVE } from "./archive";
import type { LessProtection } from "./less";
import { SERVED } from "./served";
import { SERVER } from "./server";
import { SETTINGS } from "./settings";

/** By what somebody would call them; each is found in both forms of a review. */
export const lessProtection = (here: Surroundings): readonly LessProtection[] => [
  ...SERVED,
  ...ARCHIVE,
  ...ACCESS,
  ...SERVER(here),
  ...SETTINGS,
];
