import type { Change } from "../diff";
import { at, type Step } from "../step";
import { CONTAINER, type Judge, said, stuck } from "./judge";

const KILLS = stuck("a check that fails although the server is healthy has it killed again and again");
const HASTY = said("may be interrupted", "a server that is slow for a moment is killed, and started again");
const UNNOTICED = said(
  "checks are off",
  "a server that hangs is not noticed, or not given the time to start",
);
const SHUT = stuck("only this check lets clients through: while it fails, all of them are kept out");
const LATE = stuck("each start keeps clients out for that long, although the server is healthy");

/** Seconds that a healthy server may be cut off from its clients. */
const LONG = 60;

/** The factor of tries from which a hanging server goes unnoticed. */
const TIMES = 10;

/** A liveness or startup probe of the server. */
export const probe: Judge = (step, change, context) => {
  const { path, before, after } = change;
  const name = path.at(-1) ?? "";
  if (isCheck(path)) return KILLS(step, change, context);
  if (path.includes("startupProbe") && isLate(step, change)) return LATE(step, change, context);
  if (name === "initialDelaySeconds" && Number(after) >= Number(before ?? 0)) return "restart";
  if (
    ["failureThreshold", "periodSeconds", "timeoutSeconds"].includes(name) &&
    Number(after) >= Number(before)
  )
    return path.includes("livenessProbe") && Number(after) > TIMES * Number(before)
      ? UNNOTICED(step, change, context)
      : "restart";
  return after === undefined && path.length === CONTAINER.length + 1
    ? UNNOTICED(step, change, context)
    : HASTY(step, change, context);
};

/** The readiness probe, which decides whether clients get through. */
export const readiness: Judge = (step, change, context) => {
  if (isCheck(change.path)) return SHUT(step, change, context);
  return isLate(step, change) ? LATE(step, change, context) : "restart";
};

function isCheck(path: readonly string[]): boolean {
  return /\.(exec|httpGet|tcpSocket|grpc)/.test(path.join("."));
}

/** Whether a probe passes much later than before on a server that is healthy from the start. */
function isLate(step: Step, { path }: Change): boolean {
  const name = path[CONTAINER.length] ?? "";
  const [from = 0, to = 0] = [step.before, step.after].map((inputs) => {
    const [server] = (at(inputs, "spec", "template", "spec", "containers") ?? []) as Record<
      string,
      unknown
    >[];
    const {
      initialDelaySeconds = 0,
      periodSeconds = 10,
      successThreshold = 1,
    } = (server?.[name] ?? {}) as Record<string, number | undefined>;
    return initialDelaySeconds + periodSeconds * successThreshold;
  });
  return to > LONG && to > from;
}
