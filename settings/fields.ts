import { z } from "zod";
import { CRON_ALLOWED, isCron } from "./cron";
import { compareQuantities, parseQuantity } from "./quantity";

/** Validated text. `wrong` names the problem, `allowed` the valid form; no message repeats the value. */
function text(wrong: string, allowed: string, valid: (value: string) => boolean) {
  const error = (issue: { input?: unknown }) =>
    issue.input === undefined ? `is missing (${allowed})` : `${wrong} (${allowed})`;
  return z.string({ error }).refine(valid, { error });
}

const matching = (pattern: RegExp, maximum: number) => (value: string) =>
  value.length <= maximum && pattern.test(value);

/** YAML and `pulumi config set --path` turn text that looks like a number into a number. */
const numberAsText = (value: string | number) => (typeof value === "number" ? String(value) : value);

/** A Kubernetes quantity within inclusive limits. */
export function quantityBetween(least: string, most: string) {
  const allowed = `${least} to ${most}, a Kubernetes quantity such as 512Mi, 1.5Gi, 1e9 or 500m`;
  const compares = (limit: string, holds: (difference: number) => boolean) => (value: string) =>
    parseQuantity(value) === undefined || holds(compareQuantities(value, limit));
  return z.preprocess(
    numberAsText,
    text("is not a valid quantity", allowed, (value) => parseQuantity(value) !== undefined)
      .refine(
        compares(least, (difference) => difference >= 0),
        { error: `is below the minimum (${allowed})` },
      )
      .refine(
        compares(most, (difference) => difference <= 0),
        { error: `is above the maximum (${allowed})` },
      ),
  );
}

/** A whole number within inclusive limits. */
export function wholeNumber(least: number, most: number, unit: string) {
  const error = `must be a whole number of ${unit} (${least} to ${most})`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export const cronSchedule = text("is not a schedule that ever fires", CRON_ALLOWED, isCron);

/** The rule that Kubernetes' names share: namespaces, Secrets, storage classes, priority classes. */
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const dnsLabel = text(
  "is not a valid name for a namespace",
  "lower-case letters, digits and '-', at most 63, a DNS-1123 label; default: <project>-<stack>",
  matching(DNS_LABEL, 63),
);
export const dnsName = text(
  "is not a valid name of a Kubernetes object",
  "lower-case letters, digits, '-' and '.', at most 253, a DNS-1123 subdomain",
  (value) => value.length <= 253 && value.split(".").every((part) => DNS_LABEL.test(part)),
);

/** A request's id, which names a record on the volume. */
export const requestId = z.preprocess(
  numberAsText,
  text(
    "is not a valid id of a request",
    "letters, digits, '.', '_' and '-', at most 63, not clone; each is used once",
    (value) => matching(/^[A-Za-z0-9._-]+$/, 63)(value) && value !== "clone",
  ),
);
export const backupName = text(
  "is not the name of a base backup",
  "such as base_000000010000000000000002",
  matching(/^base_[0-9A-Za-z_]+$/, 100),
);

const RESERVED = new Set([
  "postgres",
  "template0",
  "template1",
  "public",
  "none",
  "user",
  "all",
  "replication",
]);

/** A role or database name that needs no quoting and that PostgreSQL doesn't reserve. */
export const identifier = text(
  "is not a valid name for a role or database",
  "a-z, 0-9 and '_', not a digit first, at most 63; not postgres, pg_*, public, template0, template1, user, all",
  (value) => matching(/^[a-z_][a-z0-9_]*$/, 63)(value) && !value.startsWith("pg_") && !RESERVED.has(value),
);

const HOST = "(?:localhost|[a-z0-9-]+(?:\\.[a-z0-9-]+)+)(?::\\d{1,5})?|[a-z0-9-]+:\\d{1,5}";
const COMPONENT = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*";
const PATH = `${COMPONENT}(?:\\/${COMPONENT})*`;
const TAG = ":[\\w][\\w.-]{0,127}";
const DIGEST = "@sha256:[0-9a-f]{64}";

/** No tag, because the tag follows from the content. The host is required, or Docker would assume Docker Hub. */
export const imageRepository = text(
  "is not an image repository with a registry's host",
  "registry.example.com/team/postgres, without tag",
  matching(new RegExp(`^(?:${HOST})\\/${PATH}$`), 255),
);
export const imageReference = text(
  "is not an image reference with a tag or digest",
  "registry.example.com/team/postgres@sha256:...",
  matching(new RegExp(`^(?:(?:${HOST})\\/)?${PATH}(?:${TAG}|(?:${TAG})?${DIGEST})$`), 500),
);

const PLATFORMS = ["linux/amd64", "linux/arm64"] as const;
const ONE_PLATFORM =
  "names more than one, and `pulumi up` builds for one: the Docker provider takes no more. Build for both once, with docker " +
  "buildx, and name that image as image.ref (docs/stacks.md)";

/** The platform to build for. */
export const platform = z.enum(PLATFORMS, {
  error: ({ input }) =>
    PLATFORMS.every((one) => JSON.stringify(input)?.includes(one)) ? ONE_PLATFORM : undefined,
});

export const sha256 = text(
  "is not a SHA-256",
  "64 hexadecimal digits, lower case",
  matching(/^[0-9a-f]{64}$/, 64),
);

export const webAddress = text(
  "is not a valid address",
  "http://... or https://..., without user and password",
  (value) => {
    if (/\s/.test(value) || !URL.canParse(value)) return false;
    const { protocol, username, password, host } = new URL(value);
    return /^https?:$/.test(protocol) && host !== "" && username === "" && password === "";
  },
);

export const region = text("is not a valid region", "such as eu-central-1", matching(/^[a-z0-9-]+$/, 64));

const isPrintable = (value: string) =>
  [...value].every((character) => character >= " " && character !== "\x7f");

/** YAML turns an unquoted date into a timestamp. */
const timeAsDay = (value: unknown) =>
  typeof value === "string" ? value.replace(/T00:00:00(\.0+)?Z$/, "") : value;

/** A calendar date, `2026-12-31`. */
export const day = z.preprocess(
  timeAsDay,
  text("is not a valid day", "such as 2026-12-31", (value) => {
    const time = /^\d{4}-\d\d-\d\d$/.test(value) ? new Date(`${value}T00:00:00Z`) : new Date(Number.NaN);
    return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(value); // JavaScript reads 31 February as a March date
  }),
);

/** Any single-line text. */
export const plainText = text(
  "must be text without control characters",
  "one line",
  (value) => value !== "" && isPrintable(value),
);

/** A PostgreSQL value: YAML's booleans and numbers become the text that PostgreSQL reads. */
export const gucText = z.preprocess(
  (value: string | number | boolean) =>
    typeof value === "boolean" ? (value ? "on" : "off") : numberAsText(value),
  text(
    "must be text, a number or a boolean without control characters",
    "a value as in postgresql.conf, without its quotes",
    isPrintable,
  ),
);
