import { z } from "zod";

const ALLOWED =
  "latest, a time with its zone in quotes such as '2026-11-23 15:00:00+00', {lsn: 0/3000060}, {xid: 1234} or {name: before-migration}";

const TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/;

/** An unquoted YAML time as Pulumi passes it on; YAML has already parsed it, and reads a time without a zone as UTC. */
const FROM_YAML = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)? [+-]\d{4} \S+$/;

/** Formats of targets that are objects, by key. */
const POSITIONS: Readonly<Record<string, RegExp>> = {
  lsn: /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/,
  xid: /^\d{1,10}$/,
  name: /^[^\p{Cc}]{1,63}$/u,
};

/** A restore target in the form of RESTORE_TO, such as `latest`, `2026-11-23 15:00:00+00` or `lsn:0/3000060`. */
export const target = z.unknown().transform((value, context) => {
  const read = readTarget(value);
  if (!("problem" in read)) return read.target;
  context.addIssue({ code: "custom", message: `${read.problem} (${ALLOWED})` });
  return z.NEVER;
});

function readTarget(value: unknown): { target: string } | { problem: string } {
  if (value === undefined) return { problem: "is missing" };
  if (typeof value === "string") return readText(value);
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const [[kind = "", position] = []] = entries;
  const text = typeof position === "number" ? String(position) : position;
  const valid = entries.length === 1 && typeof text === "string" && POSITIONS[kind]?.test(text);
  return valid ? { target: `${kind}:${text}` } : { problem: "is not a valid target" };
}

function readText(text: string): { target: string } | { problem: string } {
  if (text === "latest") return { target: text };
  if (FROM_YAML.test(text))
    return { problem: "has no quotes, and YAML then takes a time without a zone for UTC" };
  const [, day, clock, zone] = TIME.exec(text) ?? [];
  if (day === undefined || clock === undefined) return { problem: "is not a valid target" };
  if (zone === undefined) return { problem: `has no zone: write it as '${text}Z' or '${text}+00'` };
  const time = Date.parse(`${day}T${clock}${isoZone(zone)}`);
  if (Number.isNaN(time) || !isDay(day)) return { problem: "is not a valid time" };
  return time > Date.now() ? { problem: "is in the future" } : { target: text };
}

/** JavaScript reads 31 November as 1 December. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** `+01` becomes `+01:00`, which JavaScript can parse. */
function isoZone(zone: string): string {
  if (!/\d/.test(zone)) return "Z";
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  return `${zone.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}
