import { type Guc, type Gucs, gucsOf } from "../../settings/gucs";
import type { Row } from "../effects";
import { lessProtection } from "../gucs/protection";
import type { Step, Values } from "../step";
import { arrow, SECRET } from "../words";
import { isMetadata, mild, paths, type Rule, restart, row, unknown } from "./rule";

type Texts = Readonly<Record<string, string>>;

const FILE = "postgres-stack.conf";
const LINE = /^([\w.]+) = '(.*)'$/;

/** Names of confidential values, in case an extension has such settings. */
const CONFIDENTIAL = /passw|passphrase|secret|token|credential|conninfo|_key$/i;

/** Whether a ConfigMap is the file that the server reads, not a candidate for it. */
export function isLiveConfiguration({ type, before, after }: Step): boolean {
  if (type !== "kubernetes:core/v1:ConfigMap") return false;
  const { data, immutable } = (before ?? after ?? {}) as { data?: Values; immutable?: boolean };
  return data !== undefined && FILE in data && immutable !== true;
}

/** The server's settings, one row each. */
export const configuration: Rule = (step, { major }) => {
  if (step.operation === "create") return [row(step, "created", "nothing", "the first settings")];
  if (step.operation !== "update")
    return [unknown(step, paths(step), "the server can't start without its settings", true)];
  const rest = step.changes.filter(({ path }) => path.join() !== `data,${FILE}` && !isMetadata(path));
  if (rest.length > 0)
    return [unknown(step, paths({ ...step, changes: rest }), "not known for the server's settings", true)];
  const [before, after] = [settings(step.before), settings(step.after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const rows = names
    .filter((name) => before[name] !== after[name])
    .map((name) => setting(step, gucsOf(major), name, before, after));
  if (others(step.before) !== others(step.after)) {
    const why = "lines that this program does not write: PostgreSQL reads them all the same";
    rows.push(unknown(step, paths(step), why, true));
  }
  return rows.length > 0 ? rows : [row(step, paths(step), "nothing", "no setting has another value")];
};

/** Lines that are neither a setting as `renderConf` writes it nor a comment. */
function others(inputs: Values | undefined): string {
  const lines = String((inputs?.data as Values | undefined)?.[FILE] ?? "").split("\n");
  return lines.filter((line) => !LINE.test(line) && !/^\s*(#|$)/.test(line)).join("\n");
}

/** Parses the file in the format of `renderConf`. */
function settings(inputs: Values | undefined): Texts {
  const text = String((inputs?.data as Values | undefined)?.[FILE] ?? "");
  const pairs = text.split("\n").flatMap((line) => {
    const [, name, quoted = ""] = LINE.exec(line) ?? [];
    return name === undefined ? [] : [[name, quoted.replace(/(['\\])\1/g, "$1")]];
  });
  return Object.fromEntries(pairs);
}

function setting(step: Step, gucs: Gucs, name: string, before: Texts, after: Texts): Row {
  const texts = [before[name], after[name]].map((value) => shown(name, value));
  const change = arrow(name, texts[0], texts[1], "PostgreSQL's default");
  const restarts = gucs.needsRestart(name);
  const less = lessProtection(gucs, name, before, after);
  const why = [...(less ? [less.why] : []), takenOver(gucs.find(name), restarts)].join("; ");
  const told = restarts
    ? restart(step, change, why, less?.effect)
    : row(step, change, less?.effect ?? "reload", why);
  return less?.mild ? mild(told) : told;
}

function takenOver(guc: Guc | undefined, restarts: boolean): string {
  return restarts && guc === undefined
    ? "only the extension knows whether a reload is enough, so it counts as one that restarts"
    : RELOADS[guc?.context ?? "sighup"];
}

function shown(name: string, value: string | undefined): string | undefined {
  return value !== undefined && CONFIDENTIAL.test(name) ? SECRET : value;
}

const RELOADS: Readonly<Record<Guc["context"], string>> = {
  internal: "fixed when the server was built",
  postmaster: "PostgreSQL reads it only when it starts",
  sighup: "reloaded while the server runs",
  user: "reloaded; a session, role or database with its own value keeps it",
  superuser: "reloaded; a session, role or database with its own value keeps it",
  backend: "applies to sessions that begin after the reload",
  "superuser-backend": "applies to sessions that begin after the reload",
};
