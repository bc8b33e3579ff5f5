import { Cron } from "croner";

/** What one field may look like for Debian's cron: numbers or names, ranges of numbers, steps of a range or a star. */
const ITEM = /^(?:\*(?:\/\d{1,2})?|\d{1,2}(?:-\d{1,2}(?:\/\d{1,2})?)?|[a-z]{3})$/i;

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DAYS = "sun mon tue wed thu fri sat".split(" ");

/** What a schedule may say: part of an error. */
export const CRON_ALLOWED =
  "five fields, minute hour day month weekday, as cron and Kubernetes both read them: 15 2 * * *";

/**
 * Whether both Debian's cron and a Kubernetes CronJob accept a schedule, and it fires at least once: no seconds, no
 * `@daily`, none of `L W # ?`, names one at a time, not 31 February.
 */
export function isCron(text: string): boolean {
  const fields = text.split(" ");
  if (fields.length !== 5 || !fields.every(isField)) return false;
  try {
    return new Cron(text, { mode: "5-part", timezone: "UTC", paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

function isField(field: string, position: number): boolean {
  return field.split(",").every((item) => ITEM.test(item) && isName(item.toLowerCase(), position));
}

/** Croner takes a month's name as a weekday, cron does not. */
function isName(item: string, position: number): boolean {
  if (!/^[a-z]/.test(item)) return true;
  return (position === 3 && MONTHS.includes(item)) || (position === 4 && DAYS.includes(item));
}
