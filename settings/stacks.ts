import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { complete } from "./complete";
import { readValue } from "./config";

type Tree = Record<string, unknown>;

/** One `Pulumi.<stack>.yaml` of a project. */
export interface StackFile {
  readonly stack: string;
  /** The file's name. */
  readonly file: string;
  /** The parsed file; encrypted values stay encrypted. */
  readonly content: Tree;
}

/** The places that belong to one stack; defaults apply where its file names none. */
export interface Places {
  readonly namespace: string | undefined;
  /** Location of its backups, without the major and a trailing slash; undefined without backups. */
  readonly prefix: string | undefined;
}

/**
 * The stack files of a project, sorted by name.
 *
 * @throws with the file's name if it isn't valid YAML
 */
export function stackFiles(folder: string): StackFile[] {
  return readdirSync(folder)
    .flatMap((file) => {
      const [, stack] = /^Pulumi\.(.+)\.yaml$/.exec(file) ?? [];
      return stack === undefined ? [] : [{ stack, file, content: readYaml(folder, file) }];
    })
    .sort((a, b) => (a.stack < b.stack ? -1 : 1));
}

/** Name of the project in a folder. */
export function projectName(folder: string): string {
  return String(readYaml(folder, "Pulumi.yaml").name);
}

function readYaml(folder: string, file: string): Tree {
  try {
    return (load(readFileSync(join(folder, file), "utf8")) ?? {}) as Tree;
  } catch (error) {
    throw new Error(`${file} can't be read: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** A file's values below the project's name; Pulumi also assigns keys without a namespace to the project. */
export function ownValues({ content }: Pick<StackFile, "content">, project: string): Tree {
  const entries = Object.entries((content.config ?? {}) as Tree)
    .filter(([key]) => !key.includes(":") || key.startsWith(`${project}:`))
    .map(([fullKey, value]) => {
      const key = fullKey.slice(fullKey.indexOf(":") + 1);
      return [key, typeof value === "string" ? readValue(key, value) : value];
    });
  return Object.fromEntries(entries);
}

/** A stack's places: what `pulumi up` would use now, in this environment. */
export function placesOf(values: Tree, project: string, stack: string): Places {
  const { placement, backup } = complete(values, { project, stack });
  return {
    namespace: textAt(placement, "namespace"),
    prefix: textAt(backup, "prefix")?.replace(/\/+$/, ""),
  };
}

function textAt(value: unknown, key: string): string | undefined {
  const found = typeof value === "object" && value !== null ? (value as Tree)[key] : undefined;
  return typeof found === "string" ? found : undefined;
}
