import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";

const LIB = resolve(__dirname, "../../../local/lib.sh");
const ANSWERS = "exit 0";
const SILENT = "exit 1";

describe("where `make up` brings a stack up", () => {
  let bin: string;
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), "postgres-stack-target-"));
    for (const name of ["bash", "dirname"]) {
      symlinkSync(
        spawnSync("bash", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim(),
        join(bin, name),
      );
    }
  });
  afterEach(() => rmSync(bin, { recursive: true }));

  const program = (name: string, body: string) => {
    writeFileSync(join(bin, name), `#!${join(bin, "bash")}\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const kubectl = (context: string, answer: string) =>
    program("kubectl", `[ "$1" = config ] && { echo ${context}; exit 0; }\n${answer}`);
  const decide = (target = "") => {
    const script = `set -Eeuo pipefail; . ${LIB}; decide_target; echo "=> $TARGET: $MISSING"`;
    const env = { PATH: bin, TARGET: target };
    const { stdout, stderr } = spawnSync(join(bin, "bash"), ["-c", script], { env, encoding: "utf8" });
    return { first: stdout.split("\n")[0], decision: stdout.split("=> ")[1]?.trim(), stderr };
  };

  it("is the cluster that kubectl reaches, and the first line names the context", () => {
    kubectl("staging", ANSWERS);
    program("docker", ANSWERS);
    expect(decide()).to.include({
      first: "Target: cluster, kubectl's context 'staging'.",
      decision: "cluster:",
    });
  });

  it("is a kind cluster when Docker answers and no cluster does", () => {
    kubectl("gone", SILENT);
    program("docker", ANSWERS);
    expect(decide().decision).to.match(/^kind:/);
    expect(decide("cluster").decision).to.match(/^kind:/);
  });

  it("is the kind cluster of an earlier time, and not just any cluster", () => {
    kubectl("kind-postgres-stack", ANSWERS);
    expect(decide().decision).to.match(/^kind:/);
  });

  it("is embedded without either, and says what is missing", () => {
    expect(decide().decision).to.equal("embedded: no kubectl, no Docker daemon");
    kubectl("gone", SILENT);
    program("docker", SILENT);
    expect(decide().decision).to.equal(
      "embedded: kubectl's context 'gone' does not answer, no Docker daemon",
    );
  });

  it("is what TARGET says; what it can't have is an error, not another place", () => {
    kubectl("staging", ANSWERS);
    expect(decide("embedded").decision).to.match(/^embedded:/);
    expect(decide("moon").stderr).to.include("TARGET is 'moon'");
    kubectl("gone", SILENT);
    const { decision, stderr } = decide("cluster");
    expect(decision).to.equal(undefined);
    expect(stderr).to.include("No cluster").and.to.include("Nothing was started");
  });
});
