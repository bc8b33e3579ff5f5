import { Cron } from "croner";

/** Parts of a list for Debian's cron: a number, a range, steps of a range or of a star. */
const ITEM = /^(?:\*(?:\/\d{1,2})?|\d{1,2}(?:-\d{1,2}(?:\/\d{1,2})?)?)$/;

/** Names, which stand alone, in the fields that have them. */
const NAMES: Readonly<Record<number, RegExp>> = {
  3: /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)$/i,
  4: /^(?:sun|mon|tue|wed|thu|fri|sat)$/i,
};

/** What a schedule may say: part of an error. */
export const CRON_ALLOWED =
  "minute, hour, day, month and weekday (0 to 6), as cron and Kubernetes both read them, in UTC: 15 2 * * *";

/**
 * Whether both Debian's cron and a Kubernetes CronJob accept a schedule, and it ever fires: no seconds, no `@daily`, none
 * of `L W # ?`, no 7 for Sunday, names one at a time, not 31 February.
 */
export function isCron(text: string): boolean {
  const fields = text.split(" ");
  if (fields.length !== 5 || !fields.every(isField) || /7/.test(fields[4] ?? "")) return false;
  try {
    return new Cron(text, { mode: "5-part", timezone: "UTC", paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

function isField(field: string, position: number): boolean {
  return NAMES[position]?.test(field) || field.split(",").every((item) => ITEM.test(item));
}
