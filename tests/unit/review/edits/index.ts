import { BACKUPS } from "./backups";
import { DATA } from "./data";
import type { ProgramEdit } from "./edit";
import { SERVER_EDITS } from "./server";
import { UPDATES } from "./updates";

export { edited } from "./edit";

export const PROGRAM_EDITS: readonly ProgramEdit[] = [...DATA, ...SERVER_EDITS, ...BACKUPS, ...UPDATES];
