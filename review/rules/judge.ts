import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step } from "../step";
import { arrow, code } from "../words";
import { below, type Context, mild, restart, row, unknown } from "./rule";

export const CONTAINER = ["spec", "containers", "postgres"];

/** The effect of a part of the pod's template, besides a restart. */
export type Judge = (step: Step, change: Change, context: Context) => Row | "restart";

export const restartAlone: Judge = () => "restart";

export const stranger: Judge = (step, change) =>
  unknown(
    step,
    named(change),
    "not known for the server's pod: it may not come back, or come back on other data",
    true,
  );

export const stuck = (why: string, lenient = false): Judge => {
  return (step, change) => {
    const told = row(step, named(change), "may not serve", why);
    return lenient ? mild(told) : told;
  };
};

export const said =
  (effect: Row["effect"], why: string): Judge =>
  (step, change) =>
    mild(restart(step, named(change), why, effect));

/** A change in words; without values of variables, which may be secrets. */
export function named({ path, before, after }: Change): string {
  const short = below(path, ...CONTAINER) ? path.slice(CONTAINER.length) : path;
  const words = short.join(".").replace(/^spec\./, "");
  return JSON.stringify([path, before, after]).includes('"env"') ? code(words) : arrow(words, before, after);
}
