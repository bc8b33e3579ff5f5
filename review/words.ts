import { isOurs, type Step } from "./step";

/** Markers for inputs that are secret, or known only after the update. */
export const SECRET = "[secret]";
export const UNKNOWN = "[unknown]";

const LONGEST = 80;

/** `StatefulSet postgres`; for another program's resources that are not Kubernetes', the full type. */
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

/** As Markdown code: one line, limited length, and no character that ends it early. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, " ").replaceAll("`", "'");
  return `\`${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}\``;
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
