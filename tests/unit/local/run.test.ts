import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { next, type Task, tasksOf } from "../../lib/layers";
import seconds from "../../lib/seconds.json";

const root = resolve(__dirname, "../../..");

describe("tests/run", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-path-"));
    for (const tool of ["bash", "dirname"]) {
      const found = spawnSync("bash", ["-c", `command -v ${tool}`], { encoding: "utf8" }).stdout.trim();
      symlinkSync(found, join(folder, tool));
    }
    symlinkSync(process.execPath, join(folder, "node"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs it on a machine that has nothing but bash and Node.js. */
  const run = (...names: string[]) => {
    const env = { ...process.env, PATH: folder };
    const options = { cwd: root, env, encoding: "utf8", timeout: 15_000 } as const;
    const { status, stdout, stderr } = spawnSync("tests/run", names, options);
    return { status, stderr, lines: stdout.trim().split("\n") };
  };

  it("ends with its last test where there is Node.js alone, and counts what a hook skipped", () => {
    const { status, stderr, lines } = run("tests/image/private.test.ts", "tests/stack/policies.test.ts");
    expect(status, stderr).to.equal(0);
    expect(lines.slice(-3).join("\n")).to.match(
      /^image: 0 passed, 0 failed, 3 skipped in \d+ s\nstack: 0 passed, 0 failed, 3 skipped in \d+ s\n0 passed, 0 failed, 6 skipped$/,
    );
  }).timeout(20_000);

  it("says which layers there are when it is given something else", () => {
    for (const name of ["units", "tests/image/docker.ts", "tests/unit/none.test.ts"]) {
      const { status, stderr } = run(name);
      expect(status).to.equal(1);
      expect(stderr).to.include(`no layer and no test file '${name}'`);
    }
  });
});

describe("the tasks of a run", () => {
  const limits = { lanes: 4, each: 3 };
  const task = (layer: "image" | "stack", lanes = 1): Task => ({
    layer,
    name: "",
    mocha: [],
    seconds: 1,
    lanes,
  });

  it("are all files of all layers, each once", () => {
    const files = tasksOf([]).flatMap(({ mocha }) => mocha.filter((word) => word.startsWith("tests/")));
    expect(files).to.include.members(["tests/image/boot.test.ts", "tests/unit/local/run.test.ts"]);
    expect(files).to.have.length(new Set(files).size);
  });

  it("are those that seconds.json knows, and perhaps new ones", () => {
    const names = tasksOf([]).flatMap((it) => [it.name, ...it.mocha]);
    expect(names).to.include.members(Object.keys(seconds));
  });

  it("are one file of any layer by its name", () => {
    for (const name of ["tests/stack/clone.test.ts", "tests/unit/local/run.test.ts"]) {
      expect(tasksOf([name]).map(({ mocha }) => mocha)).to.deep.equal([[name]]);
    }
  });

  it("begin with the layer that has less running, as many as there are lanes", () => {
    const [image, stack] = [task("image"), task("stack")];
    expect(next([image, stack], [task("image")], limits)).to.equal(stack);
    expect(next([image], [task("image"), task("image"), task("image")], limits)).to.equal(undefined);
    expect(next([image], [task("stack", 2), task("image"), task("image")], limits)).to.equal(undefined);
  });

  it("begin with one that needs more lanes than there are, when nothing else runs", () => {
    const wide = task("stack", 9);
    expect(next([wide], [task("image")], limits)).to.equal(undefined);
    expect(next([wide], [], limits)).to.equal(wide);
  });
});
