import { expect } from "chai";
import { projectFiles, read } from "./files";
import { circles, type Imports, importsOf } from "./imports";

/** What a room, or a file, does not import. */
const FLOORS: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/^(index|library)\.ts$/, /^(render|review|local|stacks|adoption|rehearsal|bench|tests)\//],
  [/^(settings|image|k8s)\//, /^(render|review|local|stacks|adoption|rehearsal|bench|tests)\//],
  [/^settings\//, /^k8s\//],
  [/^settings\/schema\.ts$/, /^settings\/(rules\/|problems\.ts|resolve\.ts|index\.ts)/],
  [/^settings\/rules\//, /^settings\/(problems|resolve|index)\.ts$/],
  [/^render\//, /^(review|local|stacks|adoption|rehearsal|bench|tests)\//],
  [/^review\//, /^(local|stacks|adoption|rehearsal|bench|tests)\//],
  [/^(local|stacks)\//, /^(review|adoption|rehearsal|bench|tests)\//],
  [/^adoption\//, /^(render|review|stacks|rehearsal|bench|tests)\//],
  [/^rehearsal\//, /^(review|bench|tests)\//],
];

/** Imports that go up, as `from -> to`. */
function upwards(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) => {
    const forbidden = FLOORS.filter(([from]) => from.test(file));
    const wrong = targets.filter((target) => forbidden.some(([, to]) => to.test(target)));
    return wrong.map((target) => `${file} -> ${target}`);
  });
}

describe("what the project's files import", () => {
  let imports: Imports;
  before(() => {
    imports = importsOf(
      projectFiles().filter((file) => /\.[jt]s$/.test(file)),
      read,
    );
  });

  it("goes in no circle, types included", () => expect(circles(imports)).to.deep.equal([]));

  it("goes from a room to those that it may stand on, and review/ and k8s/ stand on nothing of local/", () =>
    expect(upwards(imports)).to.deep.equal([]));
});

describe("the project's TypeScript", () => {
  it("is loaded by register.js alone", () => {
    const others = new RegExp(`sucrase/${"register"}|ts-${"node"}|require\\("sucrase"\\)`);
    const files = projectFiles().filter((file) =>
      /(\.[jt]s|\.json|\.yaml|\.sh)$|^local\/|^bench\//.test(file),
    );
    const using = files.filter((file) => file !== "package-lock.json" && others.test(read(file)));
    expect(using).to.deep.equal(["register.js"]);
  });
});

describe("the search for circles", () => {
  const texts = {
    "a.ts": 'import { b } from "./room";',
    "room/index.ts": 'import type { C } from "../c";\nimport { readFileSync } from "node:fs";',
    "c.ts": 'export { a } from "./a";',
    "d.ts": 'import { a } from "./a";\nimport data from "./data.json";',
    "e.js": 'require("./e");',
  };
  const read = (file: string) => texts[file as keyof typeof texts];
  const found = (files: readonly string[]) => circles(importsOf(files, read));

  it("follows types, exports, folders and `require`, and leaves out what only leads into one", () =>
    expect(found(Object.keys(texts))).to.deep.equal([["a.ts", "c.ts", "room/index.ts"], ["e.js"]]));

  it("finds none where there is none", () =>
    expect(found(["a.ts", "room/index.ts", "d.ts"])).to.deep.equal([]));
});
