import { isOurs, type Step } from "./step";

/** Markers for inputs that are secret, or known only after the update. */
export const SECRET = "[secret]";
export const UNKNOWN = "[unknown]";

/** `StatefulSet postgres`; of another program a type that is not Kubernetes' in full. */
export function resource(step: Step): string {
  const short = isOurs(step) || step.type.startsWith("kubernetes:");
  return `${short ? step.type.split(":").pop() : step.type} ${step.name}`;
}

/** `` `work_mem`: `4MB` → `7MB` ``. */
export function arrow(name: string, before: unknown, after: unknown, absent = "none"): string {
  const [left, right] = [before, after].map((given) => (given === undefined ? absent : value(given)));
  return `${code(name)}: ${left === right ? "changed" : `${left} → ${right}`}`;
}

function value(given: unknown): string {
  const text = typeof given === "string" ? given : JSON.stringify(given);
  if (text.includes("[secret")) return "hidden";
  if (text.includes(UNKNOWN)) return "known after the update";
  return text === "" ? "empty" : code(text);
}

/** As code in Markdown: one line, nothing that ends it early. Not cut: an approval is of all of it. */
export function code(text: string): string {
  return `\`${text.replace(/\s+/g, " ").replaceAll("`", "'")}\``;
}

/** `a, b and c`. */
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

/** A duration in its largest unit: `14 days`, `1.5 hours`. */
export function span(milliseconds: number): string {
  const [name, unit] = UNITS.find(([, it]) => milliseconds >= it) ?? ["second", 1000];
  const count = Math.round((milliseconds / unit) * 10) / 10;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
