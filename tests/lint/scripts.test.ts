import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { skip } from "../lib/skip";
import { projectFiles, read, root, shellScripts } from "./files";
import { unsaid, variablesOf } from "./globals";
import { withLinters } from "./linters";
import { Loads } from "./loads";
import { jsonPatterns, substitutions } from "./reads";
import { type Found, parse, type Script } from "./shell";
import { Functions } from "./writes";

const inImage = (file: string) => file.startsWith("docker-context/");
const isExecuted = (file: string) => /^#!/.test(read(file));
const lines = (found: readonly Found[]) => found.map(({ at, what }) => `${at}: ${what}`);

describe("the image's scripts", function () {
  this.timeout(60_000);
  withLinters();
  let scripts: Script[];
  /** The commands, and what they load: not what they run as a process of its own. */
  let sourced: Script[];
  before(() => {
    scripts = shellScripts()
      .filter(inImage)
      .map((file) => parse(file, read(file)));
    sourced = scripts.filter(({ file }) => !file.includes("/lib/") || !isExecuted(file));
  });

  it("run nothing that writes or deletes in a condition, where `set -e` is off", () => {
    expect(lines(new Functions(scripts).suppressed())).to.deep.equal([]);
  });

  it("have no process substitution, whose exit code is lost", () => {
    expect(lines(scripts.flatMap(substitutions))).to.deep.equal([]);
  });

  it("match no JSON: it is parsed", () => {
    expect(lines(scripts.flatMap(jsonPatterns))).to.deep.equal([]);
  });

  it("load each what it uses of lib/, and no file that it does not use", () => {
    const loads = new Loads(sourced);
    const commands = sourced.map(({ file }) => file).filter((file) => !file.includes("/lib/"));
    expect(commands.flatMap((file) => loads.complaints(file))).to.deep.equal([]);
    const loaded = new Set(commands.flatMap((file) => loads.loaded(file)));
    expect(sourced.map(({ file }) => file).filter((file) => !loaded.has(file))).to.deep.equal([]);
  });

  it("have parts in rooms, and none that a command shares its name with", () => {
    const names = (files: readonly string[]) => files.map((file) => file.slice(file.lastIndexOf("/") + 1));
    const files = projectFiles().filter((file) => file.startsWith("docker-context/scripts/"));
    const parts = files.filter((file) => file.includes("/lib/"));
    const commands = names(files.filter((file) => !parts.includes(file)));
    expect(parts.filter((file) => !/\/lib\/[a-z]+\/[^/]+$/.test(file))).to.deep.equal([]);
    expect(names(parts).filter((name) => commands.includes(name))).to.deep.equal([]);
  });

  it("say in the head of each part which variables it sets for other files, and which it reads of theirs", () => {
    expect(unsaid(sourced.map(variablesOf))).to.deep.equal([]);
  });

  it("have Perl that compiles without a warning", function () {
    if (spawnSync("perl", ["-e", "1"]).status !== 0) skip(this, "there is no perl");
    const files = projectFiles().filter((file) => inImage(file) && /\.p[lm]$/.test(file));
    const folders = [...new Set(files.map((file) => `-I${file.slice(0, file.lastIndexOf("/"))}`))];
    for (const file of files) {
      const { status, stderr } = spawnSync("perl", ["-wc", ...folders, file], {
        cwd: root,
        encoding: "utf8",
      });
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: `${file} syntax OK\n` });
    }
  });
});
