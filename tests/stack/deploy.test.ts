import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { attempt, Hopeless, type Result, until } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

/** In no workflow; and policies are tested elsewhere: the keys of the tests' object store are words. */
const ALONE = { GITHUB_RUN_ID: "", ARGS: "--policy-pack-config rules.json" };

describe("local/deploy, after an update that was cut off", function () {
  this.timeout("15m");
  const stack = withStack("deploy", SMALL);
  const state = () => stack.env.PULUMI_BACKEND_URL?.replace("file://", "") ?? "";
  const locks = () => join(state(), ".pulumi/locks/organization/postgres-stack", stack.name);
  const mark = (...words: string[]) => stack.pulumi(["stack", "tag", ...words]);
  const deploy = (env: Record<string, string> = {}): Promise<Result> =>
    attempt("local/deploy", ["up", stack.name], {
      cwd: stack.folder,
      env: { ...stack.env, ...ALONE, ...env },
      timeout: 800_000,
    });
  const mustDeploy = async () => {
    const { code, stdout, stderr } = await deploy();
    expect(code, stdout + stderr).to.equal(0);
    return stdout;
  };

  /** Operations of which the state says that they have begun and not ended. */
  const pending = async (): Promise<string[]> => {
    const { stdout } = await stack.pulumi(["stack", "export"]);
    const operations = JSON.parse(stdout).deployment.pending_operations ?? [];
    return operations.map(({ type, resource }: Pending) => `${type} ${resource.type.split(":").pop()}`);
  };
  interface Pending {
    readonly type: string;
    readonly resource: { readonly type: string };
  }

  /** Deploys, and kills all of it at once in the middle of an operation, as a runner goes. */
  async function cutOff(operation: string, running: () => Promise<boolean>): Promise<void> {
    const env = { ...process.env, ...stack.env, ...ALONE };
    const child = spawn("local/deploy", ["up", stack.name], {
      cwd: stack.folder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        said += data;
      });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await until(
      operation,
      async () => {
        if (child.exitCode !== null) throw new Hopeless(said);
        return (await pending()).includes(operation) && (await running());
      },
      300,
    );
    process.kill(-(child.pid as number), "SIGKILL");
    await ended;
    expect(await pending()).to.include(operation);
    expect(readdirSync(locks())).not.to.deep.equal([]);
  }

  before(() => {
    utimesSync(join(stack.folder, "package-lock.json"), 0, 0); // node_modules is newer: nothing is installed
    writeFileSync(join(stack.folder, "rules.json"), '{"all": "disabled"}');
  });

  it("in its first minute, the next one takes over what is there already, and goes on", async () => {
    await stack.preview(); // writes the stack's file
    await cutOff("creating StatefulSet", async () => (await stack.get("statefulset", ".items")) !== "");
    const said = await mustDeploy();
    expect(said)
      .to.include("was cut off")
      .and.include("interrupted: creating")
      .and.include("Removing the lock of that update");
    expect(await pending()).to.deep.equal([]);
    await stack.readOutputs();
    expect((await stack.preview(["--expect-no-changes"])).code).to.equal(0);
  });

  it("in a restore, the data come back all the same, and the next one says so", async () => {
    await stack.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
    const to = await stack.sql("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')");
    await stack.sql("DROP TABLE kept");
    await stack.archived();
    const leave = { effect: "restore", until: "9999-12-31", why: "a table was dropped" };
    stack.set({ restore: { id: "before-the-drop", to }, review: { allow: [leave] } });
    await stack.preview();
    await cutOff("updating StatefulSet", async () =>
      (await stack.get("pod/postgres-0", ".spec")).includes("before-the-drop"),
    );
    const said = await mustDeploy();
    expect(said)
      .to.include("was cut off")
      .and.match(/restore before-the-drop is done since/);
    expect(await stack.sql("SELECT count(*) FROM kept")).to.equal("1000");
    expect((await stack.preview(["--expect-no-changes"])).code).to.equal(0);
  });

  it("another update that is running is never taken for one that was cut off", async () => {
    const another = {
      pid: 4711,
      username: "somebody",
      hostname: "a-laptop",
      timestamp: new Date().toISOString(),
    };
    mkdirSync(locks(), { recursive: true });
    writeFileSync(join(locks(), "another.json"), JSON.stringify(another));
    const ours = "https://github.com/acme/databases/actions/runs/";
    const inRun = {
      GITHUB_RUN_ID: "2",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "acme/databases",
    };
    for (const [left, env, why] of [
      // one of ours was cut off, and somebody removed its lock and updates by hand
      [`gone-runner 4711 ${ours}1`, inRun, /that is not the lock of the update that was cut off/],
      // it runs elsewhere, for all that is known here
      [`a-laptop 4711 by-hand`, inRun, /began on a-laptop \(process 4711, by-hand\) and has not ended/],
    ] as const) {
      await mark("set", "postgres-stack:update", left);
      const { code, stderr } = await deploy(env);
      expect(code).to.equal(1);
      expect(stderr).to.match(why).and.include("othing was changed");
      expect(readdirSync(locks()).filter((it) => it === "another.json")).to.have.length(1);
    }
    // a lock of the run that was cut off, on another machine, is removed
    await mark("set", "postgres-stack:update", `a-laptop 4711 ${ours}1`);
    const { code, stdout, stderr } = await deploy(inRun);
    expect(code, stdout + stderr).to.equal(0);
    expect(stdout).to.include(`was cut off (${ours}1)`);
  });
});
