import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isSamePlace } from "../../settings/prefix";
import { ownValues, placesOf, projectName, type StackFile, stackFiles } from "../../settings/stacks";
import { at, containersOf, DATABASE_LABELS, hasLabels, kindOf, variable } from "./kubernetes";
import type { Resource, StackPolicy, Violation } from "./policy";

interface Config {
  readonly labels: Readonly<Record<string, string>>;
  readonly variables: readonly string[];
  readonly stackFiles: boolean;
  readonly folder: string;
  readonly key: string;
}

const KEY = "backup.prefix";

/** Two databases on one prefix overwrite each other's backups, or stop archiving as soon as they collide. */
export const ownBackupPrefix: StackPolicy<Config> = {
  name: "own-backup-prefix",
  description: "No two databases, of the program or of the project's other stacks, archive to one place.",
  defaults: {
    labels: DATABASE_LABELS,
    variables: ["WALG_S3_PREFIX", "WALG_GS_PREFIX", "WALG_AZ_PREFIX"],
    stackFiles: true,
    folder: "",
    key: KEY,
  },
  schema: {
    labels: { type: "object", description: "Which StatefulSets are databases." },
    variables: {
      type: "array",
      items: { type: "string" },
      description: "Variables of their containers that say where the archive is.",
    },
    stackFiles: { type: "boolean", description: "Whether the files of the project's other stacks are read." },
    folder: { type: "string", description: "Where they are; by default the folder in which pulumi runs." },
    key: { type: "string", description: "Path of the prefix in them, below the project's name." },
  },
  checkAll(resources, config) {
    const mine = resources
      .filter((it) => kindOf(it) === "StatefulSet" && hasLabels(it, config.labels))
      .flatMap((database) => prefixesOf(database, config.variables));
    const [first] = mine;
    if (first === undefined) return [];
    return [...withinProgram(mine), ...(config.stackFiles ? withOthers(first, mine, config) : [])];
  },
};

interface Used {
  readonly database: Resource;
  readonly prefix: string;
}

function prefixesOf(database: Resource, variables: readonly string[]): Used[] {
  const values = containersOf(database).flatMap((it) => variables.map((name) => variable(it, name)));
  return values.flatMap((prefix) => (typeof prefix === "string" ? [{ database, prefix }] : []));
}

function withinProgram(mine: readonly Used[]): Violation[] {
  return mine.flatMap(({ database, prefix }, i) => {
    const other = mine.slice(0, i).find((it) => isSamePlace(it.prefix, prefix));
    return other
      ? [{ urn: database.urn, message: `archives to ${prefix}, as ${other.database.name} does.` }]
      : [];
  });
}

function withOthers(first: Used, mine: readonly Used[], config: Config): Violation[] {
  // urn:pulumi:<stack>::<project>::<type>::<name>
  const [, stack = "", project = ""] = /^urn:pulumi:(.+?)::(.+?)::/.exec(first.database.urn) ?? [];
  const folder = folderOf(project, config.folder);
  if (folder === undefined) {
    const message = `the files of ${project}'s stacks were not found, so its prefix may be another's: configure the policy's folder, or stackFiles: false.`;
    return [{ urn: first.database.urn, message }];
  }
  const others = stackFiles(folder).filter((it) => it.stack !== stack);
  return mine.flatMap(({ database, prefix }) =>
    others
      .filter((other) => isSamePlace(prefixIn(other, project, config.key) ?? "", prefix))
      .map(({ file }) => ({
        urn: database.urn,
        message: `archives to ${prefix}, which is the prefix in ${file}.`,
      })),
  );
}

/** A pack runs in its own folder; PWD is pulumi's working directory. */
function folderOf(project: string, configured: string): string | undefined {
  const candidates = configured ? [configured] : [process.env.PWD ?? ".", resolve(__dirname, "../..")];
  return candidates.find((it) => existsSync(join(it, "Pulumi.yaml")) && projectName(it) === project);
}

function prefixIn(file: StackFile, project: string, key: string): string | undefined {
  const values = ownValues(file, project);
  const found = key === KEY ? placesOf(values, project, file.stack).prefix : at(values, ...key.split("."));
  return typeof found === "string" ? found : undefined;
}
