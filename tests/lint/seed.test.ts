import { existsSync } from "node:fs";
import { join, normalize } from "node:path";
import { expect } from "chai";
import { read, root } from "./files";

const PAGE = "docs/seed.md";
/** Rows of the page's tables without their heads: what was promised, and its tests. */
const rows = (page: string) =>
  page
    .split("\n")
    .filter((line) => /^\| (?!promised)/.test(line))
    .map((line) => line.split("|").slice(1, -1) as [string, string]);

/** Whether a file has a test of this name: what is put into a title counts as anything, and a title may be told by its beginning. */
function hasTest(source: string, name: string): boolean {
  const titles = [...source.matchAll(/\bit\(\s*("[^"]*"|`[^`]*`)/g)].map(([, title = ""]) =>
    title.slice(1, -1),
  );
  return titles.some((title) => {
    const parts = title.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return title.startsWith(name) || new RegExp(`^${parts.join(".*")}$`).test(name);
  });
}

/** What a row's tests lack. */
const missing = ([, tests]: [string, string]) => {
  const files = [...tests.matchAll(/\[[^\]]*\]\(([^)]*)\)([^[]*)/g)];
  if (files.length === 0) return ["no test"];
  return files.flatMap(([, target = "", named = ""]) => {
    const file = normalize(join("docs", target));
    const names = [...named.matchAll(/"([^"]*)"/g)].map(([, name = ""]) => name);
    if (!existsSync(join(root, file))) return [`no ${file}`];
    if (names.length === 0) return [`no test of ${file} is named`];
    return names.filter((name) => !hasTest(read(file), name)).map((name) => `${file}: "${name}"`);
  });
};

describe("the coverage table of the image's brief", () => {
  it("names a test for each promise, and each test exists", () => {
    const promises = rows(read(PAGE)).filter(([promised]) => !/^\s*-+/.test(promised));
    expect(promises.length).to.be.greaterThan(15);
    expect(promises.flatMap(missing)).to.deep.equal([]);
  });

  it("does not pass for a promise without a test, a file or a name that is not there", () => {
    const link = "[x](../tests/lint/seed.test.ts)";
    const here = `${link} "names a test for each promise, and each test exists"`;
    expect(missing(["a", here])).to.deep.equal([]);
    expect(missing(["a", "none"])).to.deep.equal(["no test"]);
    expect(missing(["a", link])).to.deep.equal(["no test of tests/lint/seed.test.ts is named"]);
    expect(missing(["a", `${link} "is not there"`])).to.have.length(1);
    expect(missing(["a", '[x](../tests/none.test.ts) "x"'])).to.deep.equal(["no tests/none.test.ts"]);
    const template = "it(`with mode $" + "{mode}`, () => {})";
    expect(hasTest(template, "with mode link")).to.equal(true);
    expect(hasTest(template, "with another")).to.equal(false);
  });
});
