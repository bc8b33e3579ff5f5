import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";

const LOCAL = resolve(__dirname, "../../../local");

describe("`make up` in a cluster that is there", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-up-"));
    for (const name of ["up", "lib.sh", "tools.sh", "pulumi.sh", "protected.sh"]) {
      if (existsSync(join(LOCAL, name))) cpSync(join(LOCAL, name), join(folder, "local", name));
    }
    mkdirSync(join(folder, ".local/bin"), { recursive: true });
    program(".local/bin/kubectl", '[[ "$*" == "config current-context" ]] && echo somewhere; exit 0');
    review(0);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const program = (path: string, body: string) => {
    writeFileSync(join(folder, path), `#!/usr/bin/env bash\n${body}\n`);
    chmodSync(join(folder, path), 0o755);
  };
  const review = (code: number) => program("local/review", `echo "reviewed $* with '$ARGS'"; exit ${code}`);

  /** Runs it on a stack whose configuration says this; nobody is there to answer. */
  const up = (config: Record<string, string>, args = "", stack = "prod") => {
    const says = Object.entries(config).map(
      ([key, value]) => `[[ "$3" == ${key} ]] && { echo ${value}; exit 0; }`,
    );
    const get = `if [[ "$1 $2" == "config get" ]]; then ${says.join("; ") || ":"}\nexit 1; fi`;
    program(
      ".local/bin/pulumi",
      `${get}\n[[ "$1" == up ]] && echo "$*" >>${join(folder, "updated")}; exit 0`,
    );
    const own = { STACK: stack, TARGET: "cluster", ARGS: args, PULUMI_BACKEND_URL: "file:///nowhere" };
    const env = { ...process.env, ...own, PATH: `${join(folder, ".local/bin")}:${process.env.PATH}` };
    return spawnSync(join(folder, "local/up"), { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  };
  const updated = () => existsSync(join(folder, "updated")) && readFileSync(join(folder, "updated"), "utf8");
  const HERE = { "kubernetes:context": "production" };

  it("updates a disposable stack at once", () => {
    const { status, stderr } = up({ disposable: "true" });
    expect(status, stderr).to.equal(0);
    expect(updated()).to.include("--yes --skip-preview");
  });

  it("takes a stack that keeps its data to no cluster that its file does not name", () => {
    for (const args of ["", "--yes"]) {
      const { status, stderr } = up({}, args);
      expect(status).to.equal(1);
      expect(stderr).to.include("does not say in which cluster").and.include("kubernetes:context");
      expect(updated()).to.equal(false);
    }
  });

  it("shows the review of such a stack, and continues only when somebody says so", () => {
    const { status, stdout, stderr } = up(HERE);
    expect(stdout).to.include("reviewed --stack prod");
    expect(status).to.equal(1);
    expect(stderr).to.include("ARGS=--yes");
    expect(updated()).to.equal(false);
  });

  it("with ARGS=--yes continues without asking, and what else is in ARGS is reviewed too", () => {
    const { status, stdout, stderr } = up(HERE, "--yes --target=a");
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include("reviewed --stack prod with '--target=a'");
    expect(updated()).to.include("--target=a");
  });

  it("goes nowhere where the review does not pass, whoever says yes", () => {
    review(1);
    const { status, stderr } = up(HERE, "--yes");
    expect(status).to.equal(1);
    expect(stderr).to.include("The review above does not let the update through");
    expect(updated()).to.equal(false);
  });

  it("asks too where a kind cluster is at hand, but the stack's file names another", () => {
    program(
      ".local/bin/kubectl",
      '[[ "$*" == "config current-context" ]] && echo kind-postgres-stack; exit 0',
    );
    mkdirSync(join(folder, "local/kind"), { recursive: true });
    program("local/kind/up", "exit 0");
    const { status, stdout, stderr } = up(HERE);
    expect(status, stdout).to.equal(1);
    expect(stderr).to.include("ARGS=--yes");
    expect(updated()).to.equal(false);
    expect(up({}).status).to.equal(0); // of this machine alone
  });

  it("takes no other stack from ARGS", () => {
    for (const args of ["--stack prod", "-s prod", "--yes --stack=prod", "-sprod", "-ysprod"]) {
      const { status, stderr } = up({ disposable: "true" }, args, "dev");
      expect(status).to.equal(1);
      expect(stderr).to.include("Name it with STACK");
      expect(updated()).to.equal(false);
    }
  });

  it("takes a stack by its full name", () => {
    const { status, stderr } = up({ disposable: "true" }, "", "acme/postgres-stack/dev");
    expect(status, stderr).to.equal(0);
    expect(updated()).to.include("--stack acme/postgres-stack/dev");
  });
});
