import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { projectFiles, read } from "./files";

// The workflows and actions, as data.

export type Values = Readonly<Record<string, unknown>>;

export interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Values;
  readonly env?: Values;
}

export interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly env?: Values;
  readonly needs?: string | readonly string[];
  readonly outputs?: Values;
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number | string;
  readonly concurrency?: { group: string; "cancel-in-progress": boolean };
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly on: Values;
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Action {
  readonly inputs: Readonly<Record<string, { required?: boolean; default?: string }>>;
  readonly outputs?: Readonly<Record<string, { value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

export const files = projectFiles().filter((file) => file.startsWith(".github/") && file.endsWith(".yml"));
export const workflows = files
  .filter((file) => file.startsWith(".github/workflows/"))
  .map((file) => ({ file, workflow: load(read(file)) as Workflow }));
export const actions = files
  .filter((file) => file.startsWith(".github/actions/"))
  .map((file) => ({ file, action: load(read(file)) as Action }));

const parts = [
  ...workflows.flatMap(({ file, workflow }) =>
    Object.entries(workflow.jobs).map(([name, { steps }]) => ({ title: `${file}: ${name}`, steps })),
  ),
  ...actions.map(({ file, action }) => ({ title: file, steps: action.runs.steps })),
];
/** The steps of all jobs and actions. */
export const steps = parts.flatMap(({ title, steps }) => steps.map((step) => ({ title, step })));

export const job = (file: string, name: string): Job => {
  const found = workflows.find((it) => it.file === `.github/workflows/${file}.yml`)?.workflow.jobs[name];
  if (!found) throw new Error(`${file}.yml has no job ${name}`);
  return found;
};

/** The action of `uses: ./folder`. */
export const actionOf = (uses: string) => load(read(`${uses.slice(2)}/action.yml`)) as Action;

/** Evaluates an expression, of the kinds that the project's files have. */
export function evaluate(expression: string, contexts: Values): unknown {
  const parts = expression.split(/('[^']*')/); // text in quotes has no dots of properties
  const code = parts.map((it, i) => (i % 2 ? it : it.replace(/\.([a-zA-Z_][\w-]*)/g, '?.["$1"]'))).join("");
  const known = { ...contexts, fromJSON: JSON.parse, toJSON: JSON.stringify };
  return new Function(...Object.keys(known), `return (${code})`)(...Object.values(known));
}

/** A text of a workflow, with its expressions replaced by what they say. */
export function fill(text: unknown, contexts: Values): string {
  return String(text).replace(/\$\{\{(.*?)\}\}/gs, (_, inner: string) =>
    String(evaluate(inner, contexts) ?? ""),
  );
}

export const fillAll = (values: Values | undefined, contexts: Values) =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, fill(value, contexts)]));

/** Reads a file of the commands GITHUB_OUTPUT and GITHUB_ENV: `name=value`, or many lines up to a word. */
export function assignments(file: string): Record<string, string> {
  const found = readFileSync(file, "utf8").matchAll(/^(\w+)(?:=(.*)|<<(.+)\n([\s\S]*?)\n\3)$/gm);
  return Object.fromEntries([...found].map(([, name = "", line, , lines]) => [name, line ?? lines ?? ""]));
}
