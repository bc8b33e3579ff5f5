/**
 * Records what `pulumi preview --json` says about each change of tests/unit/review/changes.ts, for the unit tests:
 * `node --require ./register.js tests/stack/record-previews.ts`, with the environment of the stack tests. Names of this
 * machine are replaced by those of NOWHERE, and what no review reads is left out.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { changes, NOWHERE, type Surroundings, stackSettings } from "../unit/review/changes";
import { edit } from "../unit/review/edit";
import { fileOf } from "../unit/review/recorded";
import { merge, type Tree } from "../unit/settings/stack";
import { TestStack } from "./stack";
import { surroundings } from "./surroundings";

/** Kinds of which a review reads no more than that they are there. */
const MACHINERY = /:(Job|Pod|PodPatch)$/;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-kubeconfig-"));
  const kubeconfig = join(folder, "moved");
  copyFileSync(process.env.KUBECONFIG ?? join(homedir(), ".kube/config"), kubeconfig);
  const stack = new TestStack("recorded", {});
  const here = surroundings(stack.namespace, kubeconfig);
  const settings = stackSettings(here);
  await stack.create();
  try {
    stack.set(settings);
    await stack.up();
    mkdirSync(join(fileOf(""), ".."), { recursive: true });
    for (const { what, config = {}, edits = [] } of [{ what: "nothing" }, ...changes(here)] as ReturnType<
      typeof changes
    >) {
      const undo = edit(stack.folder, edits);
      stack.set(merge(settings, config) as Tree);
      const { code, stdout } = await stack.preview(["--json"]);
      writeFileSync(fileOf(what), elsewhere(trimmed(stdout), here));
      stack.set({ ...Object.fromEntries(Object.keys(config).map((key) => [key, undefined])), ...settings });
      undo();
      console.log(`${what}: exit ${code}`);
    }
  } finally {
    await stack.remove();
    rmSync(folder, { recursive: true });
  }
}

interface Recorded {
  steps: { op: string; urn: string; oldState?: State; newState?: State; [more: string]: unknown }[];
  diagnostics?: unknown;
}
interface State {
  type: string;
  inputs: unknown;
  [more: string]: unknown;
}

/** Without steps that change nothing, outputs and places in the source; one line a step. */
function trimmed(text: string): string {
  const { steps, diagnostics } = JSON.parse(text) as Recorded;
  const lines = steps
    .filter(({ op }) => op !== "same")
    .map(({ op, urn, oldState, newState, replaceReasons, detailedDiff }) =>
      JSON.stringify({
        op,
        urn,
        oldState: state(oldState),
        newState: state(newState),
        replaceReasons,
        detailedDiff,
      }),
    );
  return `{"config": {}, "diagnostics": ${JSON.stringify(diagnostics ?? [])}, "steps": [\n${lines.join(",\n")}\n]}\n`;
}

function state(given: State | undefined) {
  if (given === undefined) return undefined;
  const { type, custom, parent, inputs, protect, retainOnDelete } = given;
  return { type, custom, parent, inputs: MACHINERY.test(type) ? {} : inputs, protect, retainOnDelete };
}

const NAMES = [
  "otherBaseImage",
  "nextBaseImage",
  "baseImage",
  "repository",
  "prefix",
  "endpoint",
  "kubeconfig",
  "namespace",
] as const;

/** Puts the names of NOWHERE in the place of this machine's, the longest first: some are part of others. */
function elsewhere(text: string, here: Surroundings): string {
  const host = (repository: string) => repository.slice(0, repository.indexOf("/"));
  const pairs: [string, string][] = [
    [here.walg.url, NOWHERE.walg.url],
    [host(here.repository), host(NOWHERE.repository)],
    ...NAMES.map((name): [string, string] => [here[name], NOWHERE[name]]),
  ];
  return pairs
    .sort(([a], [b]) => b.length - a.length)
    .reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

void main();
