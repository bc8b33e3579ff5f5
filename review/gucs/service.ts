import { gucNumber } from "../../settings/guc-values";
import { both, higher, type Less, ranked, turnedOn } from "./compare";
import type { Protection, Table } from "./table";

/** Milliseconds that a statement of any application occasionally takes. */
const SHORT = 1000;

const cutOff: Less = ({ before, after, guc }) => {
  const [from = 0, to = 0] = [before, after].map((text) => guc && gucNumber(guc, text));
  return to > 0 && to < SHORT && (from === 0 || to < from);
};

/** A timeout too short for applications to work. */
export const CUT_OFF: Protection = {
  effect: "may not serve",
  usual: "0",
  less: cutOff,
  why: "nearly every statement is cut off",
};

/** Longer than the probes wait (k8s/probes.ts). */
const delay: Protection = {
  effect: "may not serve",
  usual: "0",
  less: both(higher(), (edit) => higher()({ ...edit, before: "5s" })),
  why: "each connection waits as long, those of the probes too: the server is killed again and again",
};

const STRICT = /^(repeatable read|serializable)$/i;

const LESS_ISOLATED: Protection = {
  effect: "checks are off",
  usual: "read committed",
  less: ranked("serializable", "repeatable read", "read committed", "read uncommitted"),
  why: "transactions see each other's work that they were kept apart from",
};

/** Settings with which the server runs but serves nobody. */
export const SERVICE: Table = {
  default_transaction_read_only: {
    effect: "may not serve",
    usual: "off",
    less: turnedOn,
    why: "every statement that writes is refused",
  },
  statement_timeout: CUT_OFF,
  transaction_timeout: CUT_OFF,
  idle_session_timeout: { ...CUT_OFF, why: "a connection that a pool keeps ready is cut off" },
  lock_timeout: { ...CUT_OFF, mild: true, why: "who waits for another's lock is cut off at once" },
  exit_on_error: {
    effect: "may not serve",
    usual: "off",
    less: turnedOn,
    why: "each error, of a statement that an application tries again too, ends its connection",
  },
  pre_auth_delay: delay,
  post_auth_delay: delay,
  deadlock_timeout: {
    effect: "may not serve",
    usual: "1s",
    less: both(higher(), (edit) => higher()({ ...edit, before: "1min" })),
    why: "sessions that wait for each other do so for as long",
    mild: true,
  },
  default_transaction_isolation: [
    {
      effect: "may not serve",
      usual: "read committed",
      less: (edit) => !STRICT.test(edit.before) && STRICT.test(edit.after),
      why: "transactions that meet end in an error: applications that do not try again fail",
    },
    LESS_ISOLATED,
  ],
};
