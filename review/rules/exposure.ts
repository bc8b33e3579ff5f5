import { BlockList, isIP } from "node:net";
import type { Row } from "../effects";
import type { Step, Values } from "../step";
import { arrow, code, list } from "../words";
import { mild, row } from "./rule";

type Texts = Readonly<Record<string, string>>;

/** Types of a Service, narrowest reach first. */
const REACH = ["ClusterIP", "NodePort", "LoadBalancer"];

const ANYBODY = ["0.0.0.0/0", "::/0"];

/** Annotations that set source ranges in clouds, besides `spec.loadBalancerSourceRanges`. */
const RANGES = /source-ranges|allowed-ip-ranges|inbound-cidrs/;

/** Annotations that expose a Service of any type, for example through Tailscale. */
const EXPOSES = /\/(expose|funnel)$/;

/** Annotations that refer to rules outside the cluster. */
const ELSEWHERE = /security-group|allowed-service-tags|firewall/;

/** Whether a Service admits clients that it kept out before. */
export function exposureRows(step: Step): Row[] {
  const [before, after] = [step.before, step.after].map(serviceOf);
  if (after === undefined) return [];
  const why = whoGetsIn(after);
  const opened = (words: string) => row(step, words, "opened to the outside", why);
  const from = before ?? { ...after, type: "ClusterIP", addresses: [], internal: true };
  if (REACH.indexOf(from.type) < REACH.indexOf(after.type))
    return [opened(arrow("access.serviceType", before?.type, after.type))];
  const rows: Row[] = [];
  const more = after.addresses.filter((it) => !from.addresses.includes(it));
  if (more.length > 0) rows.push(opened(`external addresses: ${list(more.map(code))}`));
  if (after.type !== "LoadBalancer") return rows;
  if (from.internal && !after.internal) rows.push(opened("the load balancer is no longer internal"));
  const wider = after.ranges.filter((range) => !from.ranges.some((outer) => contains(outer, range)));
  if (wider.length > 0) rows.push(opened(`source ranges: ${list(wider.map(code))}, which were kept out`));
  const rules = step.changes.filter(({ path }) => path[1] === "annotations" && ELSEWHERE.test(path[2] ?? ""));
  if (rules.length > 0) {
    const words = rules.map(({ path, before: old, after: now }) => arrow(path[2] ?? "", old, now));
    rows.push(
      mild(
        row(step, list(words), "access changes", "other rules, which can't be read here, decide who gets in"),
      ),
    );
  }
  return rows;
}

/** Whether a path of a Service decides who gets in. */
export function isExposure([top, key]: readonly string[]): boolean {
  return top === "spec" && ["type", "loadBalancerSourceRanges", "externalIPs"].includes(key ?? "");
}

interface Exposed {
  readonly type: string;
  readonly ranges: readonly string[];
  readonly internal: boolean;
  /** External addresses, of nodes or others, besides the load balancer's. */
  readonly addresses: readonly string[];
}

function serviceOf(inputs: Values | undefined): Exposed | undefined {
  if (inputs === undefined) return undefined;
  const spec = (inputs.spec ?? {}) as Values;
  const annotations = ((inputs.metadata as Values | undefined)?.annotations ?? {}) as Texts;
  const annotated = Object.entries(annotations)
    .filter(([name]) => RANGES.test(name))
    .flatMap(([, text]) => String(text).split(","));
  const ranges = [...((spec.loadBalancerSourceRanges ?? []) as string[]), ...annotated].map((it) =>
    it.trim(),
  );
  return {
    type: String(spec.type ?? "ClusterIP"),
    ranges: ranges.some((it) => it !== "") ? ranges.filter((it) => it !== "") : ANYBODY,
    internal: Object.entries(annotations).some(([name, value]) => isInternal(name, String(value))),
    addresses: [
      ...((spec.externalIPs ?? []) as string[]),
      ...Object.keys(annotations).filter((name) => EXPOSES.test(name) && annotations[name] === "true"),
    ],
  };
}

/** How clouds mark a load balancer as internal. */
function isInternal(name: string, value: string): boolean {
  if (!/load-?balancer/.test(name)) return false;
  return (
    /^(internal|intranet|private)$/i.test(value) || (/internal/.test(name) && !/^(false|)$/i.test(value))
  );
}

function whoGetsIn({ type, ranges, internal }: Exposed): string {
  if (type === "NodePort")
    return "every node answers for the database, to anyone who reaches a node; only the password keeps others out";
  if (type !== "LoadBalancer") return "the database answers at these addresses too";
  const from = ranges === ANYBODY ? "anyone (no source ranges)" : list(ranges.map(code));
  return internal
    ? `from inside the cloud's network, ${from} may try passwords`
    : `from the internet, ${from} may try passwords`;
}

/** Whether one address range contains another; an unparsable range is contained in none. */
function contains(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  const [wide, narrow] = [outer, inner].map(rangeOf);
  if (wide === undefined || narrow === undefined || wide.family !== narrow.family) return false;
  const block = new BlockList();
  block.addSubnet(wide.address, wide.bits, wide.family);
  return wide.bits <= narrow.bits && block.check(narrow.address, narrow.family);
}

function rangeOf(text: string) {
  const [address = "", bits = ""] = text.split("/");
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return undefined;
  return { address, bits: Number(bits), family: version === 4 ? ("ipv4" as const) : ("ipv6" as const) };
}
