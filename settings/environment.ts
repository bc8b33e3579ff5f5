import { existsSync, readFileSync } from "node:fs";
import { RunError } from "@pulumi/pulumi";
import { DEFAULT_MAJOR } from "./major";

export type Variables = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

/** The setting that each environment variable sets, for development behind a mirror or on your own cluster. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  WALG_URL: ["image", "walg", "url"],
  WALG_SHA256: ["image", "walg", "sha256"],
  S3_ENDPOINT: ["backup", "endpoint"],
  S3_ACCESS_KEY_ID: ["backup", "credentials", "accessKeyId"],
  S3_SECRET_ACCESS_KEY: ["backup", "credentials", "secretAccessKey"],
  NAMESPACE: ["placement", "namespace"],
};

/**
 * Applies environment variables to a stack's settings: {@link PATHS}, the major's base image, `REGISTRY` as the image's
 * repository and `S3_BUCKET` as the backup's prefix. An empty variable counts as unset.
 *
 * If the stack names an image (`image.ref`), the variables for building one are ignored.
 *
 * Without a bucket or a prefix, the stack has no backups, whatever else its `backup` key says.
 *
 * @param folder the bucket's folder for backups; each namespace gets a folder below it
 */
export function overlay(settings: Tree, variables: Variables, folder: string): Tree {
  const result = copy(settings);
  const builds = (result.image as { ref?: unknown } | null)?.ref === undefined;
  const paths = { ...PATHS, [baseImageVariable(result)]: ["image", "baseImage"] };
  for (const [name, path] of Object.entries(paths)) {
    if (builds || path[0] !== "image") set(result, path, variables[name]);
  }
  if (variables.REGISTRY && builds)
    set(result, ["image", "repository"], `${variables.REGISTRY}/postgres-stack`);
  if (variables.S3_ENDPOINT) set(result, ["backup", "forcePathStyle"], true);
  if (variables.S3_BUCKET) {
    const placement = result.placement as { namespace?: unknown } | null;
    set(result, ["backup", "prefix"], `s3://${variables.S3_BUCKET}/${folder}/${placement?.namespace}`);
  } else if ((result.backup as { prefix?: unknown } | null)?.prefix === undefined) {
    delete result.backup;
  }
  return result;
}

/** `BASE_IMAGE` is for the default major; other majors have their own variable, such as `BASE_IMAGE_19`. */
function baseImageVariable({ postgres }: Tree): string {
  const version = (postgres as { version?: unknown } | null)?.version ?? DEFAULT_MAJOR;
  return version === DEFAULT_MAJOR ? "BASE_IMAGE" : `BASE_IMAGE_${version}`;
}

/** Copies the settings' objects, but keeps a program's outputs by reference. */
function copy(tree: Tree): Tree {
  const isObject = (value: unknown) =>
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  const entries = Object.entries(tree).map(([key, value]) => [
    key,
    isObject(value) ? copy(value as Tree) : value,
  ]);
  return Object.fromEntries(entries);
}

function set(tree: Tree, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (!value) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  if (typeof tree[key] !== "object" || tree[key] === null) tree[key] = {};
  set(tree[key] as Tree, rest, value);
}

/** Variables from a git-ignored file of `NAME=value` lines; those of the process take precedence. */
export function variables(file: string, environment: Variables): Variables {
  const set = Object.entries(environment).filter(([, value]) => value);
  return {
    ...(existsSync(file) ? parseVariables(readFileSync(file, "utf8")) : {}),
    ...Object.fromEntries(set),
  };
}

/**
 * Reads `NAME=value` lines as a shell would: `export`, `#` comments, single and double quotes.
 *
 * @throws with the line's number but not its text, which may hold a secret
 */
export function parseVariables(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new RunError(`local.env, line ${index + 1}: expected NAME=value; nothing was touched`);
    }
    result[name] = /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value.replace(/\s+#.*$/, "");
  }
  return result;
}
