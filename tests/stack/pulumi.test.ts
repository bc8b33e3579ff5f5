import { mkdtempSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { expect } from "chai";
import { attempt, run } from "../../local/process";
import { skip } from "../lib/skip";
import { stackSettings } from "../unit/review/changes";
import { withStack } from "./fixture";
import { checkout } from "./stack";
import { surroundings } from "./surroundings";

/** The rows of docs/pulumi.md; to rename a stack is in review.test.ts, `pulumi destroy` in kept.test.ts. */
describe("what else Pulumi can do to a stack", function () {
  this.timeout("10m");
  const stack = withStack("pulumi", {});
  const scratch: string[] = [];
  const folder = () => {
    scratch.push(mkdtempSync(join(tmpdir(), "postgres-stack-pulumi-")));
    return scratch.at(-1) as string;
  };
  const settings = stackSettings(surroundings(stack.namespace, ""));
  const placement = { namespace: stack.namespace, createNamespace: true, spot: "any" };
  stack.set({ ...settings, placement });

  const memory = (settings: Record<string, unknown>) => ({ memory: "512Mi", cpu: "500m", settings });
  /** What tells another pod, another start and another claim. */
  const running = async () => [
    await stack.get("pod/postgres-0", ".metadata.uid"),
    await stack.get("pod/postgres-0", ".status.containerStatuses[0].restartCount"),
    await stack.get("pvc/postgres-data", ".metadata.uid"),
    await stack.get("secret/postgres-app", ".data.password"),
  ];
  const expectNothingToChange = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.preview(["--expect-no-changes", "--diff", ...args]);
    expect(code, stdout + stderr).to.equal(0);
  };
  const must = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.pulumi(args);
    expect(code, stdout + stderr).to.equal(0);
    return stdout;
  };

  it("refresh, after the pod was recreated and others wrote annotations: no change is shown, since there is none", async () => {
    await stack.up();
    await stack.kubectl(["delete", "pod", "postgres-0", "--now"]);
    const others = "cloud.example.com/written-by=a-controller";
    await stack.kubectl([
      "annotate",
      "statefulset/postgres",
      "service/postgres",
      "pvc/postgres-data",
      others,
    ]);
    await stack.kubectl(["wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=120s"]);
    await must("refresh", "--yes", "--skip-preview");
    await expectNothingToChange();
  });

  it("up --target of the server's settings alone: what was not checked does not reach the server", async () => {
    const before = await stack.get("configmap/postgres-conf", ".data");
    stack.set({ postgres: memory({ shared_preload_libraries: "no_such_library" }) });
    const { code, stdout } = await stack.tryUp("--target", "**ConfigMap::postgres-conf");
    expect(code, stdout).to.equal(0);
    expect(await stack.get("configmap/postgres-conf", ".data")).to.equal(before);
    stack.set({ postgres: memory({}) });
    await expectNothingToChange();
  });

  it("Automation API: preview, setConfig, up, outputs and refresh, as by the CLI", async () => {
    const before = await running();
    const workspace = { stackName: stack.name, workDir: stack.folder };
    const api = await LocalWorkspace.selectStack(workspace, { envVars: stack.env });
    expect(Object.keys((await api.preview()).changeSummary)).to.deep.equal(["same"]);
    await api.setConfig("postgres-stack:postgres.settings.work_mem", { value: "7MB" }, true);
    const { summary, outputs } = await api.up();
    expect(summary.result).to.equal("succeeded");
    expect(outputs.host?.value).to.equal(`postgres.${stack.namespace}.svc`);
    expect(await stack.sql("SHOW work_mem")).to.equal("7MB");
    expect((await api.refresh()).summary.result).to.equal("succeeded");
    expect(await running()).to.deep.equal(before);
    stack.set({ postgres: memory({ work_mem: "7MB" }) });
  });

  it("a backend that is moved, by stack export and import: nothing is left to change", async () => {
    const file = join(folder(), "state.json");
    await must("stack", "export", "--file", file);
    stack.environment.PULUMI_BACKEND_URL = `file://${folder()}`;
    await stack.create();
    await must("stack", "import", "--file", file);
    await expectNothingToChange();
  });

  it("import of the claim: beside the program's own it is refused, until it is taken out of the state again", async () => {
    const type = "kubernetes:core/v1:PersistentVolumeClaim";
    const claim = `${stack.namespace}/postgres-data`;
    await must("import", type, "postgres-data", claim, "--yes", "--generate-code=false");
    const { code, stdout } = await stack.preview();
    expect(code).not.to.equal(0);
    expect(stdout).to.include(`${type}::postgres-data" cannot be deleted`);
    const urn = `urn:pulumi:${stack.name}::postgres-stack::${type}::postgres-data`;
    await must("state", "delete", urn, "--force", "--yes");
    await expectNothingToChange();
  });

  it("destroy --exclude-protected: the database keeps serving with its settings, its Secrets and its backups, and up brings the rest", async () => {
    const before = await running();
    await must("destroy", "--exclude-protected", "--yes", "--skip-preview");
    expect(await stack.sql("SHOW work_mem")).to.equal("7MB");
    expect(await stack.kubectl(["get", "cronjob", "-o=name"])).to.equal("cronjob.batch/postgres-backup\n");
    await stack.up();
    expect(await running()).to.deep.equal(before);
    await expectNothingToChange();
  });

  it("a state that was lost: up stops, make adopt rebuilds it, and server, claim and passwords stay", async () => {
    const before = await running();
    stack.environment.PULUMI_BACKEND_URL = `file://${folder()}`;
    await stack.create();
    const up = await stack.tryUp();
    expect(up.code).not.to.equal(0);
    expect(up.stdout).to.include("already exists");
    const adopted = await stack.script("local/adopt", { ARGS: "--expect-no-changes" });
    expect(adopted.code, adopted.stdout + adopted.stderr).to.equal(0);
    expect(await running()).to.deep.equal(before);

    stack.set({ postgres: memory({ work_mem: "8MB", shared_buffers: "96MB" }) }); // every kind of object goes on changing
    await stack.up();
    expect(await stack.sql("SHOW work_mem")).to.equal("8MB");
    expect((await running()).slice(2)).to.deep.equal(before.slice(2));
    const again = await stack.script("local/adopt", {});
    expect(again.code).not.to.equal(0);
    expect(again.stderr).to.include("has a state with a server in it; nothing was changed");
  });

  it("plain pulumi up in a fresh clone, as Pulumi Deployments does it: npm ci, the stack's file, pulumi and node on PATH", async function () {
    const clone = checkout();
    scratch.push(clone);
    unlinkSync(join(clone, "node_modules"));
    const npm = await attempt("npm", ["ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"], {
      cwd: clone,
    });
    if (npm.code !== 0) skip(this, `npm installs nothing here: ${npm.stderr}`);
    const bin = folder();
    for (const name of ["pulumi", "pulumi-language-nodejs", "node"]) {
      const found = (await attempt("bash", ["-c", `type -P ${name}`])).stdout.trim();
      if (found) symlinkSync(found, join(bin, name));
    }
    const { HOME, PULUMI_HOME, KUBECONFIG, DOCKER_HOST } = process.env;
    const variables = Object.entries({
      HOME,
      PULUMI_HOME, // where the providers are, which Pulumi downloads elsewhere
      KUBECONFIG,
      DOCKER_HOST,
      ...stack.env,
      PATH: bin,
    });
    const env = variables.flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
    const file = `Pulumi.${stack.name}.yaml`;
    await run("cp", [join(stack.folder, file), join(clone, file)]);
    const up = ["up", "--yes", "--non-interactive", "--color", "never", "--stack", stack.name];
    const args = ["-i", ...env, join(bin, "pulumi"), ...up, "--expect-no-changes"];
    const { code, stdout, stderr } = await attempt("env", args, { cwd: clone });
    expect(code, stdout + stderr).to.equal(0);
  });

  after(() => {
    for (const it of scratch) rmSync(it, { recursive: true, force: true });
  });
});
