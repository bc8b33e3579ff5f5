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
  "exactly one of s3://bucket/path, gs://bucket/path, azure://container/path, file:///path; none of its folders is empty, " +
  "'.' or '..', there is no control character, ?, # or \\ in it, a bucket's name has no other signs than . _ -, and a file:// " +
  "path is not below a data directory";

const PREFIX = /^(s3|gs|azure|file):\/\/([^\s,;/]*)((?:\/[^\s,;/]+)*)\/*$/;

/** Parts that stores read differently: as part of a key, as the parent folder, or as something outside the path. */
const ODD = /(^|\/)\.{0,2}(\/|$)|[\p{Cc}?#\\]/u;

/** Credentials before the bucket or a port after it would not belong to its name, and a secret would be in plain text. */
const BUCKET = /^[\w$][\w.-]*$/;

/** Where the image keeps a major's data. */
const PGDATA = /^\/var\/lib\/postgresql\/\d+(\/|$)/;

/**
 * The kind of store that a prefix names.
 *
 * @returns undefined if it names none or several, or has parts that stores read differently: `a,b`, `s3://bucket/../x`
 */
export function storeOf(prefix: string): Store | undefined {
  const [, scheme, container = "", path = ""] = PREFIX.exec(prefix) ?? [];
  if (scheme === undefined || prefix.indexOf("://") !== prefix.lastIndexOf("://")) return undefined;
  const named =
    scheme === "file" ? container === "" && path !== "" && !PGDATA.test(path) : BUCKET.test(container);
  return named && !isOdd(`${container}${path}`) ? (scheme as Store) : undefined;
}

/** Checks the path as written and as WAL-G reads it: WAL-G decodes `%2e`. */
function isOdd(path: string): boolean {
  const below = path.replace(/^\//, "");
  try {
    return ODD.test(below) || ODD.test(decodeURIComponent(below));
  } catch {
    return true; // malformed percent-encoding
  }
}

/** Whether two prefixes overlap: they are equal, or one lies in the other's folder of a major (`<prefix>/18`). */
export function isSamePlace(a: string, b: string): boolean {
  const [outer = "", inner = ""] = [a, b].map((prefix) => prefix.replace(/\/+$/, "")).sort();
  return (
    inner === outer || (inner.startsWith(`${outer}/`) && /^\d+(\/|$)/.test(inner.slice(outer.length + 1)))
  );
}
