import type { Gucs } from "../../settings/gucs";
import { severity } from "../effects";
import type { Settings } from "./compare";
import { DURABILITY } from "./durability";
import { EXPOSURE } from "./exposure";
import { INTEGRITY } from "./integrity";
import { RECORDS } from "./records";
import { SERVICE } from "./service";
import type { Protection, Table } from "./table";

/** Every setting that protects something, by its name in lower case. */
export const PROTECTIONS: Table = { ...DURABILITY, ...INTEGRITY, ...EXPOSURE, ...RECORDS, ...SERVICE };

function protectionsOf(name: string): readonly Protection[] {
  const found = PROTECTIONS[name.toLowerCase()] ?? [];
  return "effect" in found ? [found] : found;
}

/** What a setting's other value takes from the protection of the data, if anything: the worst of it. */
export function lessProtection(
  gucs: Gucs,
  name: string,
  before: Settings,
  after: Settings,
): Protection | undefined {
  const value = (settings: Settings, usual: string) => (settings[name] ?? usual).trim();
  const found = protectionsOf(name).filter(({ usual, less }) =>
    less({ before: value(before, usual), after: value(after, usual), guc: gucs.find(name), all: after }),
  );
  return [...found].sort((a, b) => severity(b) - severity(a))[0];
}
