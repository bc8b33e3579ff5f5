import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect } from "chai";
import { projectFiles, read, root } from "./files";

const pages = () => projectFiles().filter((file) => /^([A-Z]+|(docs|examples)\/.*)\.md$/.test(file));

describe("the repository", () => {
  it("names no folder outside of itself, but for the CI script", () => {
    const outside = new RegExp([["..", "shared"].join("/"), ["var", "tmp", "platform"].join("/")].join("|"));
    const naming = projectFiles().filter((file) => file !== ".ci/run" && outside.test(read(file)));
    expect(naming).to.deep.equal([]);
  });

  it("has no source file above 250 lines", () => {
    const long = projectFiles()
      .filter((file) => /\.(ts|sh)$|^docker-context\/scripts\//.test(file) && !file.startsWith("tests/"))
      .filter((file) => read(file).split("\n").length > 251);
    expect(long).to.deep.equal([]);
  });

  it("shows `make up` and `make test` on the README's first screen", () => {
    const screen = read("README.md").split("\n").slice(0, 24).join("\n");
    expect(screen).to.include("make up").and.to.include("make test");
  });

  it("has every file that its pages link to", () => {
    const broken = pages().flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, target = ""]) => normalize(join(dirname(page), target)))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it("has every make target that its pages name", () => {
    const targets = new Set([...read("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, name]) => name));
    const unknown = pages().flatMap((page) =>
      [...read(page).matchAll(/(?:^|`)make ([a-z-]+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => !targets.has(name))
        .map((name) => `${page}: make ${name}`),
    );
    expect(unknown).to.deep.equal([]);
  });

  it("links every page of docs/ from the README or from another page", () => {
    const text = pages().map(read).join("\n");
    const lost = pages().filter((page) => page !== "README.md" && !text.includes(page.replace("docs/", "")));
    expect(lost).to.deep.equal([]);
  });

  it("keeps its scripts executable", () => {
    const scripts = projectFiles().filter((file) => read(file).startsWith("#!"));
    const plain = scripts.filter((file) => (statSync(join(root, file)).mode & 0o111) === 0);
    expect(plain, "chmod +x").to.deep.equal([]);
  });
});
