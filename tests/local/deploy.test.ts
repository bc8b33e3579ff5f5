import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Tree } from "../unit/settings/stack";
import { Project } from "./branch";

const RESTORE = { restore: { id: "before-the-drop", to: "2026-01-01T00:00:00Z" } };
const allow = (until: string) => ({
  review: { allow: [{ effect: "restore", until, why: "a table was dropped" }] },
});
const memory = (settings: Tree) => ({ postgres: { settings } });

describe("the history of a branch through deploy.yml: nothing unreviewed is ever applied", function () {
  this.timeout("10m");
  const project = new Project();
  before(() => project.create());
  after(() => project.remove());
  const deploy = async (prod: Tree, onto?: string) => (await project.push(prod, onto)).begin();
  const restored = () => project.server("prod").includes("before-the-drop");
  let first: string;

  it("a first push brings up stacks that were made for it, and names the ones that were not", async () => {
    rmSync(join(project.states, "prod.json"));
    const lost = await deploy({});
    expect([lost.result("dev"), lost.asks]).to.deep.equal(["success", false]);
    expect(lost.output).to.include("pulumi stack init prod");
    project.init("prod");
    const run = await lost.again();
    expect(run.summary).to.match(/created: \d+ objects/);
    expect(await run.approve()).to.equal("success");
    expect(project.server("prod")).to.include("prod");
    first = project.head;
  });

  it("a restore without leave is refused, and so is every later push, however innocent, until it is allowed or gone", async () => {
    for (const what of ["refused", "innocent"]) {
      const run = await deploy(RESTORE);
      expect(run.asks, what).to.equal(false);
      expect(run.summary, what).to.include("**restore**");
    }
    const expired = await deploy({ ...RESTORE, ...allow("2026-01-01") });
    expect(expired.asks).to.equal(false);
    expect(expired.summary).to.include("the leave for it ended with 2026-01-01");
    const gone = await deploy({});
    expect(gone.summary).to.match(/### prod: no change/);
    expect(restored()).to.equal(false);
  });

  it("a skipped approval hides nothing: the next one shows all that gathered", async () => {
    const skipped = await deploy(memory({ work_mem: "7MB" }));
    expect(skipped.asks).to.equal(true);
    await deploy(memory({ work_mem: "7MB", log_min_duration_statement: "1s" }));
    const innocent = await deploy(memory({ work_mem: "7MB", log_min_duration_statement: "1s" }));
    expect(innocent.summary).to.include("`work_mem`").and.include("`log_min_duration_statement`");
    expect(await innocent.approve()).to.equal("success");
    // the ones that were passed over bring the older commit: nobody has seen what that does to what runs now
    expect(await skipped.approve()).to.equal("failure");
    expect(skipped.output).to.include("not in the review that was approved");
    expect(project.server("prod")).to.be.a("string");
  });

  it("a force-push, to an older commit too, is reviewed by what it takes back", async () => {
    const run = await deploy(memory({ work_mem: "8MB" }), first);
    expect(run.summary).to.include("`work_mem`: `7MB` → `8MB`").and.include("`log_min_duration_statement`");
    expect(await run.approve()).to.equal("success");
  });

  it("of two pushes, the later one is held to what it has shown when the other came between", async () => {
    const one = await deploy(memory({ work_mem: "9MB" }));
    const two = await deploy(memory({ work_mem: "9MB", lock_timeout: "5s" }));
    expect(await one.approve()).to.equal("success");
    expect(await two.approve()).to.equal("success"); // less than what it has shown
    const three = await deploy(memory({ work_mem: "10MB" }));
    const four = await deploy(memory({ work_mem: "11MB" }));
    expect(await three.approve()).to.equal("success");
    expect(await four.approve()).to.equal("failure"); // from 10MB now, which nobody has seen
    expect(await (await four.again()).approve()).to.equal("success");
  });

  it("what a failed update has not done is in the next review, and so is what a revert takes back of the rest", async () => {
    const change = memory({ work_mem: "12MB", max_connections: 40 });
    const run = await deploy(change);
    writeFileSync(join(project.states, "fail"), "");
    expect(await run.approve()).to.equal("failure");
    const retry = await run.again();
    expect(retry.summary).to.include("StatefulSet postgres");
    const revert = await deploy(memory({ work_mem: "11MB" }));
    expect(revert.summary).to.include("`max_connections`");
    expect(await revert.approve()).to.equal("success");
    expect(await retry.approve()).to.equal("failure"); // of the state in between
    const again = await deploy(memory({ work_mem: "11MB" }));
    expect(again.summary).to.match(/### prod: no change/);
  });

  it("a restore with leave is applied once somebody has seen it", async () => {
    const run = await deploy({ ...memory({ work_mem: "11MB" }), ...RESTORE, ...allow("9999-12-31") });
    expect(run.summary).to.include("allowed until 9999-12-31");
    expect(restored()).to.equal(false);
    expect(await run.approve()).to.equal("success");
    expect(restored()).to.equal(true);
  });

  it("what is lost between a review and its approval is not recreated unseen", async () => {
    const run = await deploy({ ...memory({ work_mem: "13MB" }), ...RESTORE, ...allow("9999-12-31") });
    const file = join(project.states, "prod.json");
    const state = readFileSync(file);
    project.init("prod");
    expect(await run.approve()).to.equal("failure");
    expect(run.output).to.match(/not in the review that was approved.*\n(.*\n)*.*created: \d+ objects/);
    writeFileSync(file, state);
  });

  it("has applied something in all of these, so that there was something to look at", () => {
    expect(project.applied.filter(({ stack }) => stack === "prod").length).to.be.above(6);
  });
});
