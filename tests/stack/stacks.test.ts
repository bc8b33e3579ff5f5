import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { missing } from "./fixture";
import { attempt, type Result, run } from "./process";
import { checkout } from "./stack";

describe("two stacks from one checkout", function () {
  this.timeout("10m");
  const names = [`first-${process.pid}`, `second-${process.pid}`] as const;
  const [first, second] = names;
  const third = `third-${process.pid}`;
  const namespace = (name: string) => `postgres-stack-${name}`;
  let folder: string;
  let env: Record<string, string | undefined>;

  before(async function () {
    const why = await missing();
    if (why) {
      console.log(`      skipped: ${why} is missing`);
      this.skip();
    }
    folder = checkout();
    env = {
      PULUMI_BACKEND_URL: `file://${mkdtempSync(join(tmpdir(), "postgres-stack-state-"))}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      NAMESPACE: undefined,
      TARGET: "cluster",
    };
  });
  after(async function () {
    this.timeout("5m");
    if (!folder) return;
    await Promise.all([...names, third].map(remove));
    rmSync(folder, { recursive: true });
    rmSync(env.PULUMI_BACKEND_URL?.slice("file://".length) ?? "", { recursive: true });
  });

  const remove = async (name: string) => {
    await pulumi("state", "unprotect", "--all", "--yes", "--stack", name);
    await pulumi("destroy", "--yes", "--skip-preview", "--stack", name);
    await attempt("kubectl", ["delete", "namespace", namespace(name), "--wait=false", "--ignore-not-found"]);
  };
  const pulumi = (...args: string[]): Promise<Result> =>
    attempt("pulumi", [...args, "--non-interactive", "--color", "never"], { cwd: folder, env });
  const output = async (stack: string, name: string) =>
    (await pulumi("stack", "output", name, "--stack", stack)).stdout.trim();
  /** What `make <script> STACK=<stack> ARGS=<args>` runs. */
  const make = (script: string, variables: Record<string, string>) =>
    attempt(`local/${script}`, [], { cwd: folder, env: { ...env, ...variables }, timeout: 900_000 });
  const sql = (name: string, query: string) =>
    run("kubectl", [
      "-n",
      namespace(name),
      "exec",
      "postgres-0",
      "--",
      "psql",
      "-U",
      "postgres",
      "-XAtc",
      query,
    ]);

  it("make stack, then make up, ends with a database that answers: both at once", async () => {
    for (const name of names) {
      const { code, stderr } = await make("stack", { NAME: name });
      expect(code, stderr).to.equal(0);
    }
    const ups = await Promise.all(names.map((name) => make("up", { STACK: name })));
    for (const [i, name] of names.entries()) {
      expect(ups[i]?.code, `${ups[i]?.stdout}${ups[i]?.stderr}`).to.equal(0);
      expect(ups[i]?.stdout).to.include(`kubectl exec -it -n ${namespace(name)} postgres-0`);
      await sql(name, `CREATE TABLE owner AS SELECT '${name}' AS name`);
    }
  });

  it("each keeps its own data and archives to a place of its own", async () => {
    const places = new Set<string>();
    for (const name of names) {
      expect(await sql(name, "SELECT name FROM owner")).to.equal(`${name}\n`);
      places.add(await output(name, "backupPrefix"));
    }
    expect(places.size).to.equal(2);
  });

  it("the second has changed nothing of the first", async () => {
    const { code, stdout, stderr } = await make("preview", { STACK: first, ARGS: "--expect-no-changes" });
    expect(code, stdout + stderr).to.equal(0);
  });

  it("neither can be taken down by mistake", async () => {
    expect((await make("down", { STACK: second })).stdout).to.include("protected");
    expect(await sql(second, "SELECT name FROM owner")).to.equal(`${second}\n`);
  });

  it("a third takes the database of the second over, with the image of the first and without Docker", async () => {
    const [place, owner] = [namespace(second), `postgres-stack/${third}/${namespace(second)}/postgres`];
    const prefix = (await output(second, "backupPrefix")).replace("/18", "");
    await make("stack", { NAME: third, FROM: first });
    await pulumi("stack", "init", third);
    const set = (path: string, value: string) =>
      pulumi("config", "set", "--stack", third, "--path", `postgres-stack:${path}`, value);
    await pulumi("config", "rm", "--stack", third, "--path", "postgres-stack:image.repository");
    await set("image.ref", await output(first, "imageRef"));
    await set("placement.namespace", place);
    await set("backup.prefix", prefix);

    const kubectl = (...args: string[]) => run("kubectl", ["-n", place, ...args]);
    const record = "/var/lib/postgresql/.postgres-stack/owner";
    await kubectl("exec", "postgres-0", "--", "bash", "-c", `echo ${owner} >${record}`);
    await pulumi("state", "unprotect", "--all", "--yes", "--stack", second);
    await pulumi("destroy", "--yes", "--skip-preview", "--stack", second);
    const annotations = [
      `postgres-stack/owner=${owner}`,
      `pulumi.com/patchFieldManager=postgres-stack/${owner}`,
    ];
    await kubectl("annotate", "pvc", "postgres-data", "--overwrite", ...annotations);

    // S3_BUCKET would decide the prefix
    const up = await make("up", { STACK: third, S3_BUCKET: "", DOCKER_HOST: "unix:///nowhere" });
    expect(up.code, up.stdout + up.stderr).to.equal(0);
    expect(await sql(second, "SELECT name FROM owner")).to.equal(`${second}\n`);
    expect(await output(third, "backupPrefix")).to.equal(`${prefix}/18`);
    expect(await output(third, "digest")).to.equal(await output(first, "digest"));
  });
});
