import { compareQuantities, quantity } from "../../settings/quantity";
import { at, type Step, type Values } from "../step";
import { CONTAINER, type Judge, said, stuck } from "./judge";
import { isLiveConfiguration } from "./settings";

/** Growth by more than this factor may fit no node; shrinkage by more no longer holds the running load. */
const TIMES = 2n;

const OFFERED = stuck("a node that can mount the volume has to offer it, with enough room");
const RARE = stuck("more than twice as much: where no node beside the volume has it, the pod waits for ever");
const KILLED = stuck("the settings stay those of more memory: the server is killed as soon as it uses it");
const EVICTED = said(
  "may be interrupted",
  "requests and limits are no longer the same: on a node short of memory the pod is among the first to go",
);

/** CPU and memory of the server's container. */
export const resource: Judge = (step, change, context) => {
  const { path, before, after } = change;
  const least = isLast(step.before) && !isLast(step.after) ? EVICTED(step, change, context) : "restart";
  const name = path.at(-1) ?? "";
  if (after === undefined) return least;
  if (!["cpu", "memory"].includes(name)) return OFFERED(step, change, context);
  if (typeof before !== "string" || typeof after !== "string") return least;
  if (compareQuantities(after, before) > 0)
    return timesMore(before, after) ? RARE(step, change, context) : least;
  const settings = context.steps.some((it) => it.parent === step.parent && isLiveConfiguration(it));
  return name === "memory" && path.includes("limits") && !settings && timesMore(after, before)
    ? KILLED(step, change, context)
    : least;
};

function timesMore(less: string, more: string): boolean {
  const [from, to] = [quantity(less), quantity(more)];
  return to.numerator * from.denominator > TIMES * from.numerator * to.denominator;
}

/** Whether the kubelet evicts the pod last: requests equal limits. */
function isLast(inputs: Values | undefined): boolean {
  const [server] = (at(inputs, "spec", "template", "spec", "containers") ?? []) as Values[];
  const [requests, limits] = ["requests", "limits"].map((key) => at(server, "resources", key) as Values);
  return ["cpu", "memory"].every(
    (key) => limits?.[key] !== undefined && (requests?.[key] ?? limits[key]) === limits[key],
  );
}

/** The size of volumes that are empty at each start; `/dev/shm` shrinks with the memory. */
export const scratchSize: Judge = (step, change, context) => {
  const { path, before, after } = change;
  if (path.at(-1) !== "sizeLimit" || after === undefined || shrinks(step)) return "restart";
  return before === undefined || compareQuantities(String(after), String(before)) < 0
    ? said("may be interrupted", "whatever needs more of it fails, and a pod that holds more is evicted")(
        step,
        change,
        context,
      )
    : "restart";
};

function shrinks(step: Step): boolean {
  const limit = ["spec", "template", ...CONTAINER, "resources", "limits", "memory"].join(".");
  return step.changes.some(
    ({ path, before, after }) =>
      path.join(".") === limit && compareQuantities(String(after), String(before)) < 0,
  );
}

/** The minimum time that k8s/ gives a server to stop, without its buffers. */
const STOP = 90;

/** Less than half the time for a clean stop; less memory needs less time. */
export const stopping: Judge = (step, change, context) => {
  const { before, after } = change;
  if ((shrinks(step) && Number(after) >= STOP) || !(Number(after) * 2 < Number(before))) return "restart";
  return said("longer recovery", "a stop under load is cut off: the next start replays what it left")(
    step,
    change,
    context,
  );
};
