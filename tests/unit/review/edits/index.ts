import { AROUND } from "./around";
import { BACKUPS } from "./backups";
import { DATA } from "./data";
import type { ProgramEdit } from "./edit";
import { POD } from "./pod";
import { SERVER_EDITS } from "./server";
import { UPDATES } from "./updates";

export { edited } from "./edit";

export const PROGRAM_EDITS: readonly ProgramEdit[] = [
  ...DATA,
  ...SERVER_EDITS,
  ...POD,
  ...BACKUPS,
  ...UPDATES,
  ...AROUND,
];
