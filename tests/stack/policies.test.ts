import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("previews with the policy pack", function () {
  this.timeout("5m");
  const stack = withStack("policies", { ...SMALL, disposable: false });
  const pack = ["--policy-pack", "review/policies"];
  const tag = process.env.BASE_IMAGE ?? "";

  before(async () => {
    if (!tag || tag.includes("@")) return;
    const digest = ["image", "inspect", "--format", "{{index .RepoDigests 0}}", tag];
    stack.environment.BASE_IMAGE = (await run("docker", digest)).trim();
  });

  it("accept a good stack that does not exist yet, and say nothing", async () => {
    const { code, stdout, stderr } = await stack.preview(pack);
    expect(code, stdout + stderr).to.equal(0);
    expect(stdout)
      .to.match(/✅ postgres-stack@v\d/)
      .and.not.match(/advisory|mandatory/);
  });

  it("refuse a bad one with a line for each policy", async () => {
    stack.environment.BASE_IMAGE = "postgres:18-bookworm";
    stack.set({ backup: { ...(SMALL.backup as object), retain: 2 } });
    const { code, stdout } = await stack.preview(pack);
    expect(code).not.to.equal(0);
    expect(stdout)
      .to.match(/\[mandatory\]\s+base-by-digest/)
      .and.match(/built on postgres:18-bookworm/);
    expect(stdout)
      .to.match(/\[mandatory\]\s+backup-retention/)
      .and.match(/keeps 2 full backups/);
  });

  it("take a house's own rules from the policy configuration", async () => {
    const rules = join(stack.folder, "rules.json");
    writeFileSync(
      rules,
      '{"all": "disabled", "claim-protected": {"enforcementLevel": "mandatory", "allowDisposable": false}}',
    );
    stack.set({ disposable: true });
    const { code, stdout } = await stack.preview([...pack, "--policy-pack-config", rules]);
    expect(code).not.to.equal(0);
    expect(stdout)
      .to.match(/\[mandatory\]\s+claim-protected/)
      .and.not.match(/base-by-digest/);
  });
});
