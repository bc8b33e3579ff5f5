import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect } from "chai";
import { attempt } from "../../../local/process";

describe("a program that is run", () => {
  it("and is missing, is an error after which nothing keeps Node.js", () => {
    const script = `require("./local/process").attempt("no-such-program", []).catch(({ code }) => console.log(code))`;
    const { stdout, status } = spawnSync(process.execPath, ["--require", "./register.js", "-e", script], {
      cwd: resolve(__dirname, "../../.."),
      encoding: "utf8",
      timeout: 5_000,
    });
    expect(stdout).to.equal("ENOENT\n");
    expect(status, "it ended by itself").to.equal(0);
  });

  it("is ended after its time", async () => {
    expect((await attempt("sleep", ["60"], { timeout: 100 })).code).to.equal(-1);
  });
});
