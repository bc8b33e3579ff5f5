import { expect } from "chai";
import { attempt, run } from "../../local/process";
import { sql, withWorkspace } from "./workspace";

describe("two stacks from one checkout", function () {
  this.timeout("10m");
  const names = [`first-${process.pid}`, `second-${process.pid}`] as const;
  const [first, second] = names;
  const third = `third-${process.pid}`;
  const namespace = (name: string) => `postgres-stack-${name}`;
  const test = withWorkspace(".", names.map(namespace));

  /** What `make <script> STACK=<stack> ARGS=<args>` runs. */
  const make = (script: string, variables: Record<string, string>) => {
    const env = { ...test.workspace.env, TARGET: "cluster", ...variables };
    return attempt(`local/${script}`, [], { cwd: test.workspace.folder, env, timeout: 900_000 });
  };
  const query = (name: string, text: string) => sql(namespace(name), "postgres-0", text);

  it("make stack, then make up, ends with a database that answers: both at once", async () => {
    for (const name of names) {
      const { code, stderr } = await make("stack", { NAME: name });
      expect(code, stderr).to.equal(0);
    }
    const context = (await run("kubectl", ["config", "current-context"])).trim();
    for (const name of names) {
      await test.workspace.mustPulumi("stack", "init", name);
      await test.workspace.mustPulumi("config", "set", "--stack", name, "kubernetes:context", context);
    }
    const ups = await Promise.all(names.map((name) => make("up", { STACK: name, ARGS: "--yes" })));
    for (const [i, name] of names.entries()) {
      expect(ups[i]?.code, `${ups[i]?.stdout}${ups[i]?.stderr}`).to.equal(0);
      expect(ups[i]?.stdout).to.include(`kubectl exec -it -n ${namespace(name)} postgres-0`);
      await query(name, `CREATE TABLE owner AS SELECT '${name}' AS name`);
    }
  });

  it("each keeps its own data and archives to a place of its own", async () => {
    const places = new Set<string>();
    for (const name of names) {
      expect(await query(name, "SELECT name FROM owner")).to.equal(name);
      places.add(await test.workspace.output(name, "backupPrefix"));
    }
    expect(places.size).to.equal(2);
  });

  it("the second has changed nothing of the first", async () => {
    const { code, stdout, stderr } = await make("preview", { STACK: first, ARGS: "--expect-no-changes" });
    expect(code, stdout + stderr).to.equal(0);
  });

  it("neither can be taken down by mistake", async () => {
    expect((await make("down", { STACK: second })).stdout).to.include("protected");
    expect(await query(second, "SELECT name FROM owner")).to.equal(second);
  });

  it("a third takes the database of the second over, with the image of the first and without Docker", async () => {
    const pulumi = (...args: string[]) => test.workspace.mustPulumi(...args);
    const [place, owner] = [namespace(second), `postgres-stack/${third}/${namespace(second)}/postgres`];
    const prefix = (await test.workspace.output(second, "backupPrefix")).replace("/18", "");
    await make("stack", { NAME: third, FROM: first });
    await pulumi("stack", "init", third);
    const set = (path: string, value: string) =>
      pulumi("config", "set", "--stack", third, "--path", `postgres-stack:${path}`, value);
    await pulumi("config", "rm", "--stack", third, "--path", "postgres-stack:image.repository");
    await set("image.ref", await test.workspace.output(first, "imageRef"));
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
    const up = await make("up", {
      STACK: third,
      ARGS: "--yes",
      S3_BUCKET: "",
      DOCKER_HOST: "unix:///nowhere",
    });
    expect(up.code, up.stdout + up.stderr).to.equal(0);
    expect(await query(second, "SELECT name FROM owner")).to.equal(second);
    expect(await test.workspace.output(third, "backupPrefix")).to.equal(`${prefix}/18`);
    expect(await test.workspace.output(third, "digest")).to.equal(
      await test.workspace.output(first, "digest"),
    );
  });
});
