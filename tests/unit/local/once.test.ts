import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { shared } from "../../image/once";

describe("what the files of a run share", () => {
  const own = process.env.TEST_FOLDER;
  beforeEach(() => {
    process.env.TEST_FOLDER = mkdtempSync(join(tmpdir(), "postgres-stack-shared-"));
  });
  afterEach(() => {
    rmSync(process.env.TEST_FOLDER ?? "", { recursive: true });
    if (own === undefined) delete process.env.TEST_FOLDER;
    else process.env.TEST_FOLDER = own;
  });

  it("is made once, and handed to all who ask meanwhile and afterwards", async () => {
    let made = 0;
    const make = async () => {
      await new Promise((wake) => setTimeout(wake, 50));
      return { volume: `v${++made}` };
    };
    const asked = await Promise.all([shared("x", make), shared("x", make)]);
    expect([...asked, await shared("x", make)]).to.deep.equal(Array(3).fill({ volume: "v1" }));
    expect(await shared("y", make)).to.deep.equal({ volume: "v2" });
  });

  it("fails for all when it can't be made", async () => {
    const fails = () => shared("x", () => Promise.reject(new Error("no room"))).then(() => "", String);
    expect(await Promise.all([fails(), fails()])).to.deep.equal(["Error: no room", "Error: Error: no room"]);
  });

  it("is recreated by a file that runs alone", async () => {
    const folder = process.env.TEST_FOLDER;
    delete process.env.TEST_FOLDER;
    let made = 0;
    for (const _ of [1, 2]) await shared("x", async () => ++made);
    process.env.TEST_FOLDER = folder;
    expect(made).to.equal(2);
  });
});
