import { gucBoolean, gucNumber } from "../../settings/guc-values";
import type { Guc } from "../../settings/gucs";

/** Settings by name, as text; missing ones have PostgreSQL's or the image's value. */
export type Settings = Readonly<Record<string, string | undefined>>;

/** A setting before and after an update. */
export interface Edit {
  readonly before: string;
  readonly after: string;
  /** The major's entry for the setting; undefined for an extension's. */
  readonly guc: Guc | undefined;
  /** All settings after the update. */
  readonly all: Settings;
}

/** Whether a setting protects less after an update than before. */
export type Less = (edit: Edit) => boolean;

/** The setting protects while it is on. */
export const turnedOff: Less = ({ before, after }) =>
  gucBoolean(before) === true && gucBoolean(after) !== true;

/** The setting protects while it is off. */
export const turnedOn: Less = ({ before, after }) =>
  gucBoolean(before) !== true && gucBoolean(after) === true;

/** The setting protects while it is not empty. */
export const emptied: Less = ({ before, after }) => before !== "" && after === "";

/** The review can't tell which of two values protects more. */
export const changed: Less = ({ before, after }) => before !== after;

/** Values in order, most protection first; any other value protects least. */
export const ranked =
  (...levels: readonly string[]): Less =>
  ({ before, after }) =>
    rank(levels, before) < rank(levels, after);

/** Higher numbers protect less; special values map to other numbers. */
export const higher =
  (special: Special = {}): Less =>
  (edit) =>
    number(edit, edit.after, special) > number(edit, edit.before, special);

/** Lower numbers protect less. */
export const lower =
  (special: Special = {}): Less =>
  (edit) =>
    number(edit, edit.after, special) < number(edit, edit.before, special);

/** Both conditions hold. */
export const both =
  (one: Less, other: Less): Less =>
  (edit) =>
    one(edit) && other(edit);

type Special = Readonly<Record<string, number>>;

/** -1 means no limit. */
export const UNLIMITED: Special = { "-1": Number.POSITIVE_INFINITY };

/** 0 means no limit, or never. */
export const NEVER: Special = { 0: Number.POSITIVE_INFINITY };

/** A value in the setting's unit; for an extension that no table knows, the plain number. */
function number({ guc }: Edit, text: string, special: Special): number {
  const value = (guc && gucNumber(guc, text)) ?? Number.parseFloat(text);
  return special[value] ?? value;
}

function rank(levels: readonly string[], text: string): number {
  const word = text.trim().toLowerCase();
  const found = levels.indexOf(word);
  return found < 0 ? levels.length : found;
}

/** PostgreSQL's message levels, most verbose first. */
const LEVELS = [
  ...["debug5", "debug4", "debug3", "debug2", "debug1", "info"],
  ...["notice", "warning", "error", "log", "fatal", "panic"],
];

/** A message level, or from 19 on one for each process type: `warning, backend:error`. */
export const quieter: Less = ({ before, after }) => {
  const [from, to] = [before, after].map(levelsOf);
  const kinds = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  const level = (levels: Settings | undefined, kind: string) =>
    rank(LEVELS, levels?.[kind] ?? levels?.[""] ?? "warning");
  return [...kinds].some((kind) => level(from, kind) < level(to, kind));
};

/** The opposite of {@link quieter}. */
export const louder: Less = (edit) => quieter({ ...edit, before: edit.after, after: edit.before });

function levelsOf(text: string): Settings {
  const parts = words(text).map((part) => part.split(":").map((it) => it.trim()));
  return Object.fromEntries(parts.map(([first = "", second]) => (second ? [first, second] : ["", first])));
}

/** A list that loses a part that matches a pattern. */
export const loses =
  (pattern: RegExp): Less =>
  ({ before, after }) =>
    words(before).some((word) => pattern.test(word) && !words(after).includes(word));

/** A list that gains a part. */
export const gains: Less = ({ before, after }) => words(after).some((word) => !words(before).includes(word));

/** A log line prefix that loses an escape: `%u`, `%h`. */
export const losesEscape: Less = ({ before, after }) => {
  const escapes = (text: string) => [...text.matchAll(/%-?\d*([a-zA-Z])/g)].map(([, letter]) => letter);
  return escapes(before).some((letter) => !escapes(after).includes(letter));
};

/** The logged aspects of a connection: off and on up to 17, a list from 18 on. */
export const forgetsConnections: Less = ({ before, after }) =>
  aspects(before).some((aspect) => !aspects(after).includes(aspect));

function aspects(text: string): readonly string[] {
  const on = ["receipt", "authentication", "authorization"];
  const given = words(text);
  if (given.includes("all")) return [...on, "setup_durations"];
  const plain = gucBoolean(text);
  return plain === true ? on : plain === false ? [] : given;
}

function words(text: string): string[] {
  return text
    .split(",")
    .map((word) =>
      word
        .trim()
        .replace(/^"(.*)"$/, "$1")
        .toLowerCase(),
    )
    .filter((word) => word !== "");
}
