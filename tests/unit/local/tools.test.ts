import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";

const TOOLS = resolve(__dirname, "../../../local/tools.sh");

describe("downloading a tool", () => {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-tools-"));
  const asset = join(folder, "asset");
  const platform = execFileSync("bash", ["-c", "echo $(uname -s | tr A-Z a-z)-$(uname -m)"])
    .toString()
    .trim();

  /** Runs `need tool` with one pin; curl only ever reads the local file. */
  const need = (sha256: string) => {
    const script = `
      ROOT=${folder} STATE=${folder}/state PATH=$STATE/bin:$PATH
      say() { echo "$@"; }; die() { printf '%s\\n' "$@" >&2; exit 1; }
      . ${TOOLS}
      PINS='made-up-tool 1.0 ${platform} ${sha256} file://${asset}'
      need made-up-tool && made-up-tool`;
    return spawnSync("bash", ["-c", `STATE=${folder}/state; ${script}`], { encoding: "utf8" });
  };

  before(() => {
    writeFileSync(asset, "#!/bin/sh\necho it runs\n");
    mkdirSync(join(folder, "state"));
  });
  afterEach(() => rmSync(join(folder, "state"), { recursive: true, force: true }));
  after(() => rmSync(folder, { recursive: true }));

  it("a file with the pinned checksum is installed and runs", () => {
    const { stdout, stderr } = need(createHash("sha256").update("#!/bin/sh\necho it runs\n").digest("hex"));
    expect(stdout, stderr).to.match(/it runs\n$/);
  });

  it("a file with another checksum is removed and never run", () => {
    const { status, stdout, stderr } = need("0".repeat(64));
    expect(status).to.equal(1);
    expect(stderr).to.include("does not have the pinned SHA-256");
    expect(stdout).not.to.include("it runs");
    expect(readdirSync(join(folder, "state/bin"))).to.deep.equal([]);
  });

  it("nothing is downloaded when the tool is on PATH", () => {
    mkdirSync(join(folder, "state/bin"), { recursive: true });
    const own = join(folder, "state/bin/made-up-tool");
    writeFileSync(own, "#!/bin/sh\necho mine\n");
    chmodSync(own, 0o755);
    expect(need("0".repeat(64)).stdout).to.equal("mine\n");
    expect(existsSync(own)).to.equal(true);
  });
});
