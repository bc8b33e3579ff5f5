/** WAL-G's variable for each kind of object store. */
export const PREFIX_VARIABLES = {
  s3: "WALG_S3_PREFIX",
  gs: "WALG_GS_PREFIX",
  azure: "WALG_AZ_PREFIX",
  file: "WALG_FILE_PREFIX",
} as const;

export type PrefixVariable = (typeof PREFIX_VARIABLES)[keyof typeof PREFIX_VARIABLES];
export type Store = keyof typeof PREFIX_VARIABLES;

export const PREFIX_ALLOWED =
  "exactly one of s3://bucket/path, gs://bucket/path, azure://container/path, file:///path";

const PREFIX = /^(s3|gs|azure|file):\/\/([^\s,;/]*)((?:\/[^\s,;/]+)*)\/*$/;

/**
 * The kind of store that a prefix names.
 *
 * @returns undefined where it names none or several: `a,b` and other lists are none
 */
export function storeOf(prefix: string): Store | undefined {
  const [, scheme, container = "", path = ""] = PREFIX.exec(prefix) ?? [];
  if (scheme === undefined || prefix.indexOf("://") !== prefix.lastIndexOf("://")) return undefined;
  const named = scheme === "file" ? container === "" && path !== "" : container !== "";
  return named ? (scheme as Store) : undefined;
}

/** Whether two prefixes are one place: the same, or one within the other's folder of a major (`<prefix>/18`). */
export function isSamePlace(a: string, b: string): boolean {
  const [outer = "", inner = ""] = [a, b].map((prefix) => prefix.replace(/\/+$/, "")).sort();
  return (
    inner === outer || (inner.startsWith(`${outer}/`) && /^\d+(\/|$)/.test(inner.slice(outer.length + 1)))
  );
}
