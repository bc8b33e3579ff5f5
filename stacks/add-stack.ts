/** `make stack`: writes the file of a new stack. Arguments: its name, and the stack to base it on. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { dump } from "js-yaml";
import { fail } from "../local/fail";
import { complete } from "../settings/complete";
import { isSamePlace } from "../settings/prefix";
import { readStack } from "../settings/problems";
import {
  ownValues,
  type Places,
  placesOf,
  projectName,
  type StackFile,
  stackFiles,
} from "../settings/stacks";
import { type NewStack, newStack } from "./new-stack";

type Tree = Record<string, unknown>;

/** Maximum length of a namespace's name; the default name is `<project>-<stack>`. */
const NAMESPACE_LENGTH = 63;

/**
 * Writes `Pulumi.<name>.yaml` into a project's folder.
 *
 * @param from the stack to base the new one on
 * @returns a description of the stack and the next steps, for the user
 * @throws one error with all objections, before anything is written
 */
export function addStack(folder: string, name: string, from: string): string {
  const project = projectName(folder);
  const stacks = stackFiles(folder);
  const pattern = stacks.find(({ stack }) => stack === from);
  const problems = [...nameProblems(name, project, stacks), ...patternProblems(from, pattern, stacks)];
  if (problems.length > 0 || pattern === undefined) throw refusal(name, problems);

  const made = newStack(name, pattern, project);
  const values = ownValues(made, project);
  const places = placesOf(values, project, name);
  const wrong = [...takenPlaces(places, project, stacks), ...settingsProblems(values, made, project, name)];
  if (wrong.length > 0) throw refusal(name, wrong);
  writeFileSync(join(folder, `Pulumi.${name}.yaml`), fileText(from, made.content), { flag: "wx" });
  return message(name, from, pattern, made, places);
}

function refusal(name: string, problems: readonly string[]): Error {
  return new Error([`there is no new stack '${name}'; nothing was written:`, ...problems].join("\n  "));
}

function nameProblems(name: string, project: string, stacks: readonly StackFile[]): string[] {
  const length = NAMESPACE_LENGTH - `${project}-`.length;
  if (name.length > length || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    return [
      `NAME is not a valid name for a stack (lower-case letters, digits and '-', at most ${length}, such as team-a)`,
    ];
  }
  const there = stacks.find(({ stack }) => stack === name);
  return there ? [`${there.file} exists: choose another NAME, or change that file`] : [];
}

function patternProblems(from: string, found: StackFile | undefined, stacks: readonly StackFile[]): string[] {
  const known = stacks.map(({ stack }) => stack).join(", ");
  return found ? [] : [`there is no Pulumi.${from}.yaml to copy the surroundings from (FROM: ${known})`];
}

/** Namespace and prefix must be unique, whether a stack's file sets them or they follow from its name. */
function takenPlaces(places: Places, project: string, stacks: readonly StackFile[]): string[] {
  return stacks.flatMap((other) => {
    const its = placesOf(ownValues(other, project), project, other.stack);
    const sameNamespace = its.namespace === places.namespace;
    const samePrefix = its.prefix && places.prefix && isSamePlace(its.prefix, places.prefix);
    const hint = process.env.NAMESPACE
      ? ": unset NAMESPACE, or choose another NAME"
      : ": choose another NAME";
    return [
      ...(sameNamespace ? [`namespace ${places.namespace} is taken by ${other.file}${hint}`] : []),
      ...(samePrefix ? [`backup prefix ${places.prefix} is taken by ${other.file}${hint}`] : []),
    ];
  });
}

/** The problems that the program itself would report, apart from the secrets that the user has yet to set. */
function settingsProblems(values: Tree, { secrets }: NewStack, project: string, name: string): string[] {
  const read = readStack(complete(values, { project, stack: name }));
  const missing = secrets.map((path) => path.slice(`${project}:`.length));
  const mine = (path: string) =>
    !missing.some((secret) => secret.startsWith(path) || path.startsWith(secret));
  const problems = "problems" in read ? read.problems : [];
  return problems.filter(({ path }) => mine(path)).map(({ path, message }) => `${path}: ${message}`);
}

/** Pulumi rewrites a stack's file and drops a comment at the top, so this one is further down. */
function fileText(from: string, content: Tree): string {
  const comment = `  # Made by make stack, with the surroundings of ${from}. Every key: docs/settings.md. Keys that are missing have their default:\n  # the data is protected, and the settings of PostgreSQL follow from memory and CPU.\n`;
  return dump(content, { lineWidth: -1, noRefs: true }).replace(/^config:\n/m, `config:\n${comment}`);
}

const NO_BACKUPS = "no backups: it has no backup.prefix, and the environment has no S3_BUCKET";

function message(name: string, from: string, pattern: StackFile, made: NewStack, places: Places): string {
  const backups = places.prefix ? `backups in ${places.prefix}` : NO_BACKUPS;
  const first = firstSteps(name, pattern, made, places);
  return [
    `Pulumi.${name}.yaml was written, with the surroundings of ${from}: review it.`,
    `Namespace ${places.namespace}; ${backups}.`,
    ...(first.length > 0 ? ["Before the first update:", ...first.map((step) => `  ${step}`)] : []),
    "Next:",
    `  make preview STACK=${name}`,
    `  make up STACK=${name}`,
  ].join("\n");
}

/** Steps for the user: encryption, secrets, and what must exist in the cloud and in the cluster. */
function firstSteps(
  name: string,
  pattern: StackFile,
  { content, secrets }: NewStack,
  places: Places,
): string[] {
  const { secretsprovider } = pattern.content;
  const text = JSON.stringify(content);
  const roles = [...text.matchAll(/"(arn:[^"]+)"/g)].map(([, role]) => role);
  const named = /"secretName":"([^"]+)"/.exec(text)?.[1];
  return [
    ...(secretsprovider ? [`pulumi stack init ${name} --secrets-provider '${secretsprovider}'`] : []),
    ...secrets.map((path) => `pulumi config set --secret --path --type string --stack ${name} ${path}`),
    ...roles.map((role) => `${role} must exist, for ServiceAccount postgres in ${places.namespace}`),
    ...(named ? [`Secret ${named} must exist in namespace ${places.namespace}`] : []),
  ];
}

if (require.main === module) {
  try {
    const [name = "", from = ""] = process.argv.slice(2);
    console.log(addStack(resolve(__dirname, ".."), name, from));
  } catch (error) {
    fail(error as Error);
  }
}
