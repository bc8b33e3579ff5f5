import type { Guc } from "./gucs";

/** Memory and time units that PostgreSQL accepts, in bytes and microseconds; units are case-sensitive. */
const MEMORY: Readonly<Record<string, number>> = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
const TIME: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  min: 6e7,
  h: 3.6e9,
  d: 8.64e10,
};

/** All values of `unit` in a table: those above, and pages. */
const BASE: Readonly<Record<string, number>> = { ...MEMORY, ...TIME, "8kB": 8192 };

const NUMBER = /^\s*([+-]?(?:0x[\da-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))\s*([a-z]*)\s*$/i;
const TRUE = ["on", "true", "yes", "1"];
const FALSE = ["off", "false", "no", "0"];
const INT_MAX = 2 ** 31 - 1;

/** Units that a setting accepts. */
function unitsOf(guc: Guc): Readonly<Record<string, number>> {
  if (guc.unit === undefined) return {};
  return guc.unit in TIME ? TIME : MEMORY;
}

/**
 * A value as a number in the setting's own unit: `gucNumber(shared_buffers, "1GB")` is 131072 pages.
 * Rounds integers as PostgreSQL does.
 *
 * @returns undefined if PostgreSQL would reject the value
 */
export function gucNumber(guc: Guc, text: string): number | undefined {
  const [, digits = "", unit = ""] = NUMBER.exec(text) ?? [];
  const factor = unit === "" ? 1 : (unitsOf(guc)[unit] ?? Number.NaN) / (BASE[guc.unit ?? ""] ?? Number.NaN);
  const value = (guc.type === "integer" ? readInteger(digits) : Number.parseFloat(digits)) * factor;
  if (!Number.isFinite(value)) return undefined;
  return guc.type === "integer" ? Math.round(value) : value;
}

/** Reads integers as C does: `0600` is octal, `0x180` hexadecimal. */
function readInteger(digits: string): number {
  const [sign, rest] = digits.startsWith("-") ? [-1, digits.slice(1)] : [1, digits.replace("+", "")];
  if (rest === "") return Number.NaN;
  return sign * Number(/^0\d+$/.test(rest) ? `0o${rest.slice(1)}` : rest);
}

/** A memory setting's value in bytes. */
export function gucBytes(guc: Guc, text: string): number | undefined {
  const value = gucNumber(guc, text);
  return value === undefined ? undefined : value * (BASE[guc.unit ?? ""] ?? Number.NaN);
}

/** A value as a boolean; undefined if it isn't one. */
export function gucBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return TRUE.includes(word) ? true : FALSE.includes(word) ? false : undefined;
}

/** Why PostgreSQL would reject a value, in PostgreSQL's own words so that users can look them up; undefined if it wouldn't. */
export function gucProblem(guc: Guc, text: string): string | undefined {
  switch (guc.type) {
    case "bool":
      return gucBoolean(text) === undefined
        ? `parameter "${guc.name}" requires a Boolean value (on, off)`
        : undefined;
    case "enum":
      return guc.values?.some((value) => value.toLowerCase() === text.trim().toLowerCase())
        ? undefined
        : `${invalidValue(guc, text)} (available values: ${guc.values?.filter(Boolean).join(", ")})`;
    case "string":
      return undefined;
    default:
      return numberProblem(guc, text);
  }
}

function numberProblem(guc: Guc, text: string): string | undefined {
  const value = gucNumber(guc, text);
  const { min = -INT_MAX, max = INT_MAX, unit = "" } = guc;
  const withUnit = (number: number) => (unit ? `${number} ${unit}` : String(number));
  const range = `${withUnit(min)} .. ${withUnit(max)}`;
  if (value === undefined) {
    const units = Object.keys(unitsOf(guc));
    const hint = units.length > 0 ? `a number with one of the units ${units.join(", ")}` : "a number";
    return `${invalidValue(guc, text)} (${hint}, ${range})`;
  }
  return value < min || value > max
    ? `${withUnit(value)} is outside the valid range for parameter "${guc.name}" (${range})`
    : undefined;
}

const invalidValue = ({ name }: Guc, text: string): string =>
  `invalid value for parameter "${name}": "${text}"`;

/** Bytes in PostgreSQL's notation, in the largest unit up to GB that needs no fraction: `1536kB`, `64MB`, `4GB`. */
export function renderBytes(bytes: number): string {
  const unit = ["GB", "MB", "kB"].find((name) => bytes % (MEMORY[name] ?? 1) === 0) ?? "B";
  return `${bytes / (MEMORY[unit] ?? 1)}${unit}`;
}
