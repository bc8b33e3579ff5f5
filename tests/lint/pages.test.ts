import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { read, root } from "./files";

/** What a page shows as code that looks like a path: it has a slash, or the ending of a file. */
function pathsIn(page: string): string[] {
  const code = [...page.matchAll(/```\w*\n(.*?)```|`([^`\n]+)`/gs)].map(
    ([, block, line]) => block ?? line ?? "",
  );
  const words = code.flatMap((it) => it.split(/[\s="'()[\]|,;]+/));
  const paths = words.filter(
    (it) => /^[\w.-]+(\/[\w.-]+)*\/?$/.test(it) && /\/|\.(ts|js|json|md|yaml|sh|pl)$/.test(it),
  );
  return [...new Set(paths)].filter((it) => it !== "origin/main");
}

describe("CONTRIBUTING.md and ARCHITECTURE.md", () => {
  const pages = ["CONTRIBUTING.md", "ARCHITECTURE.md"];

  it("name only paths that exist", () => {
    for (const page of pages) {
      const paths = pathsIn(read(page));
      expect(paths, page).to.have.length.above(15);
      expect(
        paths.filter((path) => !existsSync(join(root, path))),
        page,
      ).to.deep.equal([]);
    }
  });

  it("name paths in text and picture alike, which the search finds", () => {
    const page =
      'See `k8s/index.ts`, `lib/`.\n```mermaid\na["docker/run.sh"] --> b["Pulumi.prod.yaml"]\n```\nand `set -e`';
    expect(pathsIn(page)).to.deep.equal(["k8s/index.ts", "lib/", "docker/run.sh", "Pulumi.prod.yaml"]);
  });

  it("are one page each, with one picture in all", () => {
    for (const page of pages) expect(read(page).split("\n"), page).to.have.length.below(70);
    expect(
      pages
        .map(read)
        .join("")
        .match(/```mermaid/g),
    ).to.have.length(1);
  });

  it("are linked from the README", () => {
    for (const page of pages) expect(read("README.md")).to.include(`](${page})`);
  });
});
