import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";

const LOCAL = resolve(__dirname, "../../../local");

describe("`make down` in the kind cluster", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-down-"));
    for (const name of ["down", "lib.sh", "tools.sh", "pulumi.sh"]) {
      cpSync(join(LOCAL, name), join(folder, "local", name));
    }
    mkdirSync(join(folder, "local/kind"));
    mkdirSync(join(folder, ".local/bin"), { recursive: true });
    program("local/kind/down", "echo removed >removed");
    program(".local/bin/pulumi", "exit 0");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const program = (path: string, body: string) => {
    writeFileSync(join(folder, path), `#!/usr/bin/env bash\n${body}\n`);
    chmodSync(join(folder, path), 0o755);
  };
  const down = (left: string) => {
    const context = '[[ "$*" == "config current-context" ]] && echo kind-postgres-stack';
    program(".local/bin/kubectl", `${context}\n[[ "$1" == get ]] && echo '${left}'; exit 0`);
    const own = { STACK: "dev", TARGET: "cluster", ARGS: "", PULUMI_BACKEND_URL: "file:///nowhere" };
    const env = { ...process.env, ...own, PATH: `${join(folder, ".local/bin")}:${process.env.PATH}` };
    return spawnSync(join(folder, "local/down"), { env, encoding: "utf8" });
  };
  const removed = () => readFileSync(join(folder, "removed"), "utf8");

  it("removes the cluster with the last stack", () => {
    const { status, stderr } = down("No resources found");
    expect(status, stderr).to.equal(0);
    expect(removed()).to.equal("removed\n");
  });

  it("keeps it while another stack's database or a kept claim is in it, and says so", () => {
    const { status, stdout } = down("postgres-stack-team-a   persistentvolumeclaim/postgres-data   Bound");
    expect(status).to.equal(0);
    expect(stdout).to.include("The kind cluster stays").and.to.include("postgres-stack-team-a");
    expect(removed).to.throw("ENOENT");
  });
});
