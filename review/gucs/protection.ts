import type { Gucs } from "../../settings/gucs";
import { type Effect, severity } from "../effects";
import type { Less, Settings } from "./compare";
import { DURABILITY } from "./durability";
import { EXPOSURE } from "./exposure";
import { INTEGRITY } from "./integrity";
import { RECORDS } from "./records";

/** What a setting protects. */
export interface Protection {
  readonly effect: Effect;
  /** What counts where the stack says nothing: the image's value, else PostgreSQL's. */
  readonly usual: string;
  /** Whether it protects less after an update. */
  readonly less: Less;
  /** What then is the case. */
  readonly why: string;
  /** It is said, and needs no leave. */
  readonly mild?: true;
}

export type Table = Readonly<Record<string, Protection | readonly Protection[]>>;

/** Every setting that protects something, by its name in lower case. */
export const PROTECTIONS: Table = { ...DURABILITY, ...INTEGRITY, ...EXPOSURE, ...RECORDS };

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
