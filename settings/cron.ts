import { Cron } from "croner";

/** List items that Debian's cron accepts: a number, a range, or a range or star with a step. */
const ITEM = /^(?:\*(?:\/\d{1,2})?|\d{1,2}(?:-\d{1,2}(?:\/\d{1,2})?)?)$/;

/** Names by field; a name can't be part of a list or range. */
const NAMES: Readonly<Record<number, RegExp>> = {
  3: /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)$/i,
  4: /^(?:sun|mon|tue|wed|thu|fri|sat)$/i,
};

/** Allowed schedules, as an error message states them. */
export const CRON_ALLOWED =
  "minute, hour, day, month and weekday (0 to 6), as cron and Kubernetes both read them, in UTC: 15 2 * * *";

/**
 * Whether Debian's cron and a Kubernetes CronJob both accept a schedule, and it ever fires. This excludes seconds, `@daily`,
 * `L W # ?`, 7 for Sunday, names in lists or ranges, and 31 February.
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
