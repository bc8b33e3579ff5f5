import { gucNumber } from "../../settings/guc-values";
import { type Less, turnedOn } from "./compare";
import type { Protection, Table } from "./table";

/** Milliseconds that statements of any application take now and then. */
const SHORT = 1000;

const cutOff: Less = ({ before, after, guc }) => {
  const [from = 0, to = 0] = [before, after].map((text) => guc && gucNumber(guc, text));
  return to > 0 && to < SHORT && (from === 0 || to < from);
};

const timeout: Protection = {
  effect: "may not serve",
  usual: "0",
  less: cutOff,
  why: "nearly every statement is cut off",
};

/** Settings with which the server runs, and serves nobody. */
export const SERVICE: Table = {
  default_transaction_read_only: {
    effect: "may not serve",
    usual: "off",
    less: turnedOn,
    why: "every statement that writes is refused",
  },
  statement_timeout: timeout,
  transaction_timeout: timeout,
  lock_timeout: { ...timeout, mild: true, why: "who waits for another's lock is cut off at once" },
};
