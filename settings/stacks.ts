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
  /** All that it says, encrypted values as they stand there. */
  readonly content: Tree;
}

/** The places that a stack has to itself, worked out where its file does not say them. */
export interface Places {
  readonly namespace: string | undefined;
  /** Where its backups go, without the major and without a trailing slash; undefined without backups. */
  readonly prefix: string | undefined;
}

/**
 * The files of a project's stacks, sorted by name.
 *
 * @throws with the file's name where one is no YAML
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

/** What a file says below the project's name; Pulumi takes a key without any name as the project's too. */
export function ownValues({ content }: Pick<StackFile, "content">, project: string): Tree {
  const entries = Object.entries((content.config ?? {}) as Tree)
    .filter(([key]) => !key.includes(":") || key.startsWith(`${project}:`))
    .map(([fullKey, value]) => {
      const key = fullKey.slice(fullKey.indexOf(":") + 1);
      return [key, typeof value === "string" ? readValue(key, value) : value];
    });
  return Object.fromEntries(entries);
}

/** Where a stack lives: what `pulumi up` would use now, with this environment. */
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
