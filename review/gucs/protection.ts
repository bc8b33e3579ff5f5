import type { Gucs } from "../../settings/gucs";
import { severity } from "../effects";
import { changed, type Settings } from "./compare";
import { DURABILITY } from "./durability";
import { EXPOSURE } from "./exposure";
import { INTEGRITY } from "./integrity";
import { GUARDS, LIBRARIES } from "./libraries";
import { MEANING } from "./meaning";
import { RECORDS } from "./records";
import { SERVICE } from "./service";
import type { Protection, Table } from "./table";
import { VACUUM } from "./vacuum";

/** Every protecting setting, by lower-case name. */
export const PROTECTIONS: Table = {
  ...DURABILITY,
  ...INTEGRITY,
  ...VACUUM,
  ...EXPOSURE,
  ...LIBRARIES,
  ...RECORDS,
  ...SERVICE,
  ...MEANING,
};

/** A setting of a library that refuses or records something: only the library knows which value is stricter. */
const OF_A_GUARD: Protection = {
  effect: "checks are off",
  usual: "",
  less: changed,
  why: "what that library refuses or records is another thing; which of the two is stricter can't be determined here",
};

function protectionsOf(name: string): readonly Protection[] {
  const [library = "", setting] = name.toLowerCase().split(".");
  const usual = setting !== undefined && GUARDS.test(library) ? OF_A_GUARD : [];
  const found = PROTECTIONS[name.toLowerCase()] ?? usual;
  return "effect" in found ? [found] : found;
}

/** The worst loss of protection by a setting's new value, if any. */
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
