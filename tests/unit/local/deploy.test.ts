import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { until } from "../../../local/process";

const ROOT = resolve(__dirname, "../../..");
const OURS = "https://github.com/acme/databases/actions/runs/";
const IN_RUN = {
  GITHUB_RUN_ID: "2",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "acme/databases",
};

/** Of a stack with a mark and a lock, each in a file. */
const PULUMI = `
echo "$*" >>calls
case "$1 $2 \${3:-}" in
  "stack tag ls") printf '{"postgres-stack:update": "%s"}' "$(cat mark 2>/dev/null || true)" ;;
  "stack tag set") echo "$5" >mark ;;
  "stack tag rm") rm -f mark ;;
  "stack export "*) cp state.json "$6" ;;
  "stack import "*)
    if [[ -f lock ]]; then echo "file:///locks/it.json: created by $(cat lock) at 2026" >&2; exit 1; fi ;;
  cancel*) if [[ -f cancels ]]; then . ./cancels; fi; rm -f lock ;;
  refresh*) if [[ -f refreshes ]]; then . ./refreshes; fi ;;
  preview*) if [[ -f previewed ]]; then cat previewed; else echo '{"steps": [], "config": {}}'; fi ;;
  up*) if [[ -f ends ]]; then . ./ends; fi ;;
esac`;

describe("local/deploy", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-deploy-"));
    mkdirSync(join(folder, "local"));
    mkdirSync(join(folder, "bin"));
    const scripts = ["deploy", "lib.sh", "tools.sh", "cut-off.sh", "interrupted.ts"].map(
      (it) => `local/${it}`,
    );
    for (const name of ["node_modules", "register.js", "review", ...scripts])
      symlinkSync(join(ROOT, name), join(folder, name));
    write("local/setup", "#!/bin/sh\n");
    write("bin/pulumi", `#!/usr/bin/env bash\n${PULUMI}\n`);
    interrupted();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (path: string, text: string) => writeFileSync(join(folder, path), text, { mode: 0o755 });
  const read = (path: string) =>
    existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8").trim() : "";
  /** Makes these operations those that the state has not seen the end of. */
  const interrupted = (...urns: string[]) => {
    const pending_operations = urns.map((urn) => ({
      type: "creating",
      resource: { urn, type: "random:index:X" },
    }));
    write("state.json", JSON.stringify({ deployment: { pending_operations } }));
  };
  const deploy = (env: Record<string, string> = {}, what = "up") => {
    const path = `${join(folder, "bin")}:${process.env.PATH}`;
    const all = { ...process.env, GITHUB_RUN_ID: "", ARGS: "", ...env, PATH: path };
    const options = { cwd: folder, encoding: "utf8", env: all, maxBuffer: 2 ** 24 } as const;
    const ran = spawnSync("local/deploy", [what, "prod"], options);
    const calls = read("calls")
      .split("\n")
      .filter((call) => !call.startsWith("stack tag"));
    return {
      ...ran,
      calls: calls.map((call) =>
        call
          .split(" ")
          .slice(0, call.startsWith("stack") ? 2 : 1)
          .join(" "),
      ),
    };
  };
  const UPDATE = ["preview", "up"];
  const ASKS = ["stack select", "stack export"];
  const TAKES_OVER = ["stack export", "stack import"];

  it("reviews what is to be done, and updates", () => {
    const { status, stderr, calls } = deploy();
    expect(status, stderr).to.equal(0);
    expect(calls).to.deep.equal([...ASKS, ...UPDATE]);
    expect(read("calls"), "what is left to be deleted").to.match(/^preview .*--show-replacement-steps/m);
    expect(read("mark")).to.equal("");
  });

  it("updates nothing that nobody has reviewed", () => {
    const { status, stderr, calls } = deploy({ REVIEWED: "" }, "up-reviewed");
    expect([status, calls]).to.deep.equal([1, [""]]);
    expect(stderr).to.include("nobody has reviewed this update; nothing was changed");
    expect(deploy({ REVIEWED: "none" }, "up-reviewed").status).to.equal(0);
  });

  it("updates no other stack than the one that was named, and approved", () => {
    for (const ARGS of ["--stack prod", "--stack=prod", "--target x -s prod", "-sprod", "-ysprod"]) {
      const { status, stderr, calls } = deploy({ ARGS });
      expect([status, calls]).to.deep.equal([1, [""]]);
      expect(stderr).to.include("ARGS names a stack; nothing was changed");
    }
  });

  it("has nothing approved that is too large to be shown", () => {
    for (const [count, code] of [
      [10, 0],
      [4000, 1],
    ] as const) {
      const names = Array.from(
        { length: count },
        (_, i) => `urn:pulumi:prod::other::x:index:Y::${i}-${"x".repeat(300)}`,
      );
      const steps = names.map((urn) => ({ op: "create", urn, newState: { custom: true, inputs: {} } }));
      write("previewed", JSON.stringify({ steps, config: {} }));
      rmSync(join(folder, "given"), { force: true });
      const { status, stderr } = deploy({ GITHUB_OUTPUT: join(folder, "given") }, "review");
      expect(status, stderr).to.equal(code);
      if (code === 0) expect(read("given")).to.match(/^reviewed=[0-9a-f ]+$/);
      else expect(stderr).to.include("GitHub shows no more than 1000000; nothing was changed");
      if (code !== 0) expect(read("given")).to.equal("");
    }
  });

  it("puts right what the same workflow has left elsewhere, with its lock, and what a process of this machine has left", () => {
    for (const [host, lock] of [
      ["gone-runner", "runner@gone-runner"],
      [hostname(), `me@${hostname()}`],
    ]) {
      write("mark", `${host} 999999 ${OURS}1`);
      write("lock", `${lock} (pid 999999)`);
      rmSync(join(folder, "calls"), { force: true });
      const { status, stdout, stderr, calls } = deploy(IN_RUN);
      expect(status, stderr).to.equal(0);
      expect(calls).to.deep.equal([...ASKS, ...TAKES_OVER, "cancel", "stack import", "refresh", ...UPDATE]);
      expect(stdout).to.include(`was cut off (${OURS}1)`);
      expect([read("mark"), read("lock")]).to.deep.equal(["", ""]);
    }
  });

  it("removes no lock of another update", () => {
    for (const mark of [`gone-runner 4711 ${OURS}1`, ""]) {
      write("mark", mark);
      write("lock", "somebody@a-laptop (pid 4711)");
      interrupted("urn:pulumi:prod::postgres-stack::random:index:X::it");
      const { status, stderr, calls } = deploy(IN_RUN);
      expect(status).to.equal(1);
      expect(stderr).to.include("created by somebody@a-laptop").and.include("Nothing was changed");
      expect(calls).to.include("stack import").and.not.include.members(["cancel"]);
      expect(calls).not.to.include("up");
      expect(read("lock")).not.to.equal("");
    }
  });

  it("touches nothing where an update runs elsewhere, for all that is known", () => {
    const others = "https://github.com/acme/others/actions/runs/1";
    for (const [host, page] of [
      ["a-laptop", "by-hand"],
      ["a-laptop", others],
      [hostname(), others], // two runners may have one name
    ]) {
      write("mark", `${host} 999999 ${page}`);
      const { status, stderr, calls } = deploy(IN_RUN);
      expect(status).to.equal(1);
      expect(stderr).to.include(
        `began on ${host} (process 999999, ${page}) and has not ended; nothing was changed`,
      );
      expect(calls).not.to.include.members(["stack import"]);
      expect(read("mark")).to.include(host);
    }
  });

  it("touches nothing while an update runs on this machine", async () => {
    const sleep = spawnSync("bash", ["-c", "command -v sleep"], { encoding: "utf8" }).stdout.trim();
    mkdirSync(join(folder, "running"));
    symlinkSync(sleep, join(folder, "running/pulumi"));
    const running = spawn(join(folder, "running/pulumi"), ["600"], { stdio: "ignore" });
    try {
      const name = () =>
        spawnSync("ps", ["-o", "comm=", "-p", String(running.pid)], { encoding: "utf8" }).stdout;
      await until("a process named pulumi", async () => name().includes("pulumi"));
      write("mark", `${hostname()} ${running.pid} by-hand`);
      const { status, stderr, calls } = deploy();
      expect(status).to.equal(1);
      expect(stderr).to.include(`is running here, as process ${running.pid}; nothing was changed`);
      expect(calls).to.deep.equal(ASKS);
    } finally {
      running.kill();
    }
  });

  it("updates nothing before it has read what it took over, whatever ends it before that", () => {
    for (const ends of ["exit 1", 'kill -9 "$(ps -o ppid= -p $$)"; exit 1']) {
      rmSync(join(folder, "calls"), { force: true });
      rmSync(join(folder, "mark"), { force: true });
      interrupted("urn:pulumi:prod::postgres-stack::random:index:X::it");
      write("refreshes", ends);
      expect(deploy(IN_RUN).calls, ends).not.to.include("up");
      interrupted(); // the state has nothing pending any more: it was imported
      rmSync(join(folder, "refreshes"));
      rmSync(join(folder, "calls"));
      const { status, stderr, calls } = deploy(IN_RUN);
      expect(status, stderr).to.equal(0);
      expect(calls, ends).to.deep.equal([...ASKS, ...TAKES_OVER, "refresh", ...UPDATE]);
      expect(read("mark")).to.equal("");
    }
  });

  it("knows the lock of an update that was cut off also after it was itself cut off on the way", () => {
    write("mark", `gone-runner 4711 ${OURS}1`);
    write("lock", "runner@gone-runner (pid 4711)");
    write("cancels", 'kill -9 "$(ps -o ppid= -p $$)"; exit 1');
    for (let i = 0; i < 3; i++) {
      expect(deploy(IN_RUN).status).not.to.equal(0);
      expect(read("mark")).to.match(/ gone-runner 4711$/);
      expect(read("lock")).not.to.equal("");
    }
    rmSync(join(folder, "cancels"));
    const { status, stderr } = deploy(IN_RUN);
    expect(status, stderr).to.equal(0);
    expect([read("mark"), read("lock")]).to.deep.equal(["", ""]);
  });

  it("leaves its mark where it was killed, and none where it failed", () => {
    write("ends", "exit 1");
    const failed = deploy();
    expect(failed.status).to.equal(1);
    expect(failed.stderr).to.include("The update failed");
    expect(read("mark")).to.equal("");
    write("ends", "kill -9 $$");
    expect(deploy().status).to.equal(1);
    expect(read("mark")).to.match(new RegExp(`^${hostname()} \\d+ by-hand$`));
  });
});
