/** The content of a new stack's file, derived from another stack's without file access, for testing. */
import { createHash } from "node:crypto";
import { compareQuantities, parseQuantity } from "../settings/quantity";
import { ownValues, type StackFile } from "../settings/stacks";

type Tree = Record<string, unknown>;

export interface NewStack {
  /** The content of `Pulumi.<name>.yaml`. */
  readonly content: Tree;
  /** Paths of values that are encrypted for the pattern's stack and so can't be copied. */
  readonly secrets: readonly string[];
}

/** Size of a new database, or the pattern's if that is smaller. All of it can grow in place. */
const SMALL = { dataSize: "10Gi", memory: "1Gi", cpu: "500m" };

/**
 * A stack in the same environment as another: its cluster, registry, object store, storage class and placement, but with its
 * own namespace and prefix, small, and protected. Settings of the pattern's database (PostgreSQL, roles, requests) are not
 * copied.
 */
export function newStack(
  name: string,
  pattern: Pick<StackFile, "stack" | "content">,
  project: string,
): NewStack {
  const secrets: string[] = [];
  const plain = (value: unknown, path: string) => withoutSecrets(value, path, secrets);
  const own = ownValues(pattern, project);
  const rename = (text: string) => text.replace(wholeWord(pattern.stack), name);
  const { memory, cpu } = (own.postgres ?? {}) as Tree;
  const config = {
    fromEnvironment: own.fromEnvironment,
    dataSize: smaller(own.dataSize, SMALL.dataSize),
    storageClass: own.storageClass,
    postgres: { memory: smaller(memory, SMALL.memory), cpu: smaller(cpu, SMALL.cpu) },
    image: plain(own.image, `${project}:image`),
    backup: backup(plain(own.backup, `${project}:backup`), name, own.disposable === true, rename),
    placement: placement(own.placement, rename),
  };
  const others = Object.entries((pattern.content.config ?? {}) as Tree)
    .filter(([key]) => key.includes(":") && !key.startsWith(`${project}:`))
    .map(([key, value]) => [key, plain(value, key)]);
  const said = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]);
  const { environment } = pattern.content;
  const content = {
    ...(environment === undefined ? {} : { environment }),
    config: compact(Object.fromEntries([...others, ...said])),
  };
  return { content, secrets };
}

function wholeWord(text: string): RegExp {
  const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])`, "g");
}

/** The smaller of two quantities; the settings' own check rejects an invalid one. */
function smaller(given: unknown, most: string): unknown {
  const text = typeof given === "number" ? String(given) : given;
  if (typeof text !== "string") return most;
  return parseQuantity(text) && compareQuantities(text, most) > 0 ? most : given;
}

function backup(
  pattern: unknown,
  name: string,
  disposable: boolean,
  rename: (text: string) => string,
): unknown {
  if (!isTree(pattern)) return pattern;
  const { prefix, schedule, retain, credentials, ...rest } = pattern;
  const identity = isTree(credentials) ? credentials.serviceAccountAnnotations : undefined;
  return {
    prefix: typeof prefix === "string" ? beside(prefix, name, rename) : undefined,
    ...rest,
    schedule: typeof schedule === "string" ? minuteOf(name, schedule) : schedule,
    retain: disposable ? undefined : retain, // a disposable stack keeps few backups, too few for other stacks
    credentials: isTree(identity)
      ? { ...(credentials as Tree), serviceAccountAnnotations: mapTexts(identity, rename) }
      : credentials,
  };
}

/** The pattern's prefix with the new stack's name in place of the pattern's or, failing that, of the last folder. */
function beside(prefix: string, name: string, rename: (text: string) => string): string {
  const [, bucket = "", path = ""] = /^(\w+:\/\/[^/]*)(.*?)\/*$/.exec(prefix) ?? [];
  const renamed = rename(path);
  if (renamed !== path) return bucket + renamed;
  return `${bucket}${path.slice(0, Math.max(0, path.lastIndexOf("/")))}/${name}`;
}

/** A minute that depends on the name: otherwise all stacks would load the object store at the same time. */
function minuteOf(name: string, schedule: string): string {
  const minute = createHash("sha256").update(name).digest().readUInt16BE() % 60;
  return schedule.replace(/^\d+(?= )/, String(minute));
}

function placement(pattern: unknown, rename: (text: string) => string): unknown {
  if (!isTree(pattern)) return pattern;
  const { namespace, createNamespace, ...rest } = pattern;
  const renamed = typeof namespace === "string" ? rename(namespace) : namespace;
  return {
    namespace: renamed === namespace ? undefined : renamed,
    createNamespace: createNamespace === true ? undefined : createNamespace,
    ...rest,
  };
}

/** Copies without `secure: ...`, and collects those paths: `postgres-stack:backup.credentials.secretAccessKey`. */
function withoutSecrets(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value)) return value.map((part, i) => withoutSecrets(part, `${path}[${i}]`, secrets));
  if (!isTree(value)) return value;
  if (Object.keys(value).join() === "secure") {
    secrets.push(path);
    return undefined;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, withoutSecrets(part, `${path}.${key}`, secrets)]),
  );
}

function mapTexts(tree: Tree, change: (text: string) => string): Tree {
  const entries = Object.entries(tree).map(([key, value]) => [
    key,
    typeof value === "string" ? change(value) : value,
  ]);
  return Object.fromEntries(entries);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Drops undefined values and objects without any values, to keep the file short. */
function compact(value: unknown): unknown {
  if (!isTree(value)) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, compact(part)]);
  const kept = entries.filter(([, part]) => part !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
