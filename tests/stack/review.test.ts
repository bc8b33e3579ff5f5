import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Result, run } from "../../local/process";
import { type Row, severity } from "../../review/effects";
import { readPreview } from "../../review/preview";
import { judge, type Review } from "../../review/verdict";
import { skip } from "../lib/skip";
import { worked } from "../lib/worked";
import { type Change, changes, stackSettings } from "../unit/review/changes";
import { edit } from "../unit/review/edit";
import { expectRows, line } from "../unit/review/expect";
import { lessProtection } from "../unit/review/less";
import { merge, type Tree } from "../unit/settings/stack";
import { withStack } from "./fixture";
import { surroundings } from "./surroundings";

const TODAY = "2026-11-25";
/** Of no consequence for the pods of tests that run beside these: a system's class would push them off a full node. */
const PRIORITY_CLASS = {
  apiVersion: "scheduling.k8s.io/v1",
  kind: "PriorityClass",
  metadata: { name: "never-preempts" },
  value: 0,
  preemptionPolicy: "Never",
};

describe("what a review says is what happens", function () {
  this.timeout("15m");
  const kubeconfig = join(mkdtempSync(join(tmpdir(), "postgres-stack-kubeconfig-")), "moved");
  const stack = withStack("review", {});
  const here = surroundings(stack.namespace, kubeconfig);
  let all = changes(here); // the image that was tested is known once it was built
  const named = (what: string) =>
    all.find((change) => change.what === what) ?? expect.fail(`no change "${what}"`);

  /** What runs: each time that it is another pod, another start, another claim. */
  async function observe(namespace = stack.namespace) {
    const get = (object: string, path: string) =>
      run("kubectl", ["-n", namespace, "get", object, "-o", `jsonpath={${path}}`]);
    const [pod, restarts, claim, size, started] = await Promise.all([
      get("pod/postgres-0", ".metadata.uid"),
      get("pod/postgres-0", ".status.containerStatuses[0].restartCount"),
      get("pvc/postgres-data", ".metadata.uid"),
      get("pvc/postgres-data", ".spec.resources.requests.storage"),
      get("pod/postgres-0", ".status.containerStatuses[0].state.running.startedAt"),
    ]);
    const generation = Number(await get("statefulset/postgres", ".metadata.generation"));
    return { pod, restarts, claim, size, started, generation };
  }
  type Observed = Awaited<ReturnType<typeof observe>>;

  /** Whether rows, the worst of them first, are what came of an update. */
  function expectReality(rows: readonly Row[], before: Observed, after: Observed): void {
    const effect = rows[0]?.effect ?? "nothing";
    if (rows.some((row) => row.seconds !== undefined || row.effect === "restore")) {
      expect(after.pod, `${effect}: another pod`).not.to.equal(before.pod);
      expect(after.restarts, `${effect}: restarted once, not twice`).to.equal("0");
      expect(after.generation, `${effect}: one change of the template`).to.equal(before.generation + 1);
      expect(after.claim, `${effect}: the same claim`).to.equal(before.claim);
    } else {
      const { size: _, ...rest } = before;
      expect(after, effect).to.deep.include(rest);
      if (!rows.some((row) => row.effect === "growth")) expect(after.size, effect).to.equal(before.size);
    }
  }

  const review = ({ code, stdout }: Result): Review => judge(readPreview("review", stdout, code), TODAY);

  let settings = stackSettings(here);
  /** Lays a change over the stack; the function that comes back undoes it. */
  function apply({ config, edits = [] }: Change): () => void {
    const before = settings;
    settings = merge(settings, config ?? {}) as Tree;
    stack.set({ ...Object.fromEntries(Object.keys(before).map((key) => [key, undefined])), ...settings });
    const undo = edit(stack.folder, edits);
    return () => {
      undo();
      settings = before;
      stack.set({
        ...Object.fromEntries(Object.keys(config ?? {}).map((key) => [key, undefined])),
        ...settings,
      });
    };
  }

  let classed = false;
  after(async () => {
    rmSync(join(kubeconfig, ".."), { recursive: true });
    if (classed) await stack.kubectl(["delete", "priorityclass", PRIORITY_CLASS.metadata.name]);
  });

  it("for a database that is there, without a change: no row, exit 0", async () => {
    copyFileSync(process.env.KUBECONFIG ?? join(process.env.HOME ?? "", ".kube/config"), kubeconfig);
    await stack.kubectl(["apply", "-f", "-"], JSON.stringify(PRIORITY_CLASS));
    classed = true;
    stack.set(settings);
    await stack.up();
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=180s"]);
    expect(review(await stack.preview(["--json"]))).to.deep.equal({
      stack: "review",
      verdict: "ok",
      rows: [],
    });
  });

  it("as a script it says so in less than 10 s", async () => {
    const start = worked();
    const { code, stdout, stderr } = await stack.script("local/review", {});
    expect(stdout, stderr).to.equal("### review: no change\n");
    expect(code).to.equal(0);
    expect(worked() - start).to.be.below(10);
  });

  // and back at once: a pod gets to see another Secret within a minute or two, and its next stop archives with it
  it("the backups' credentials", async () => {
    const before = await observe();
    const change = named("the backups' credentials");
    const undo = apply(change);
    expectRows(review(await stack.preview(["--json"])).rows, change.rows);
    await stack.up();
    undo();
    await stack.up();
    expectReality([], before, await observe());
  });

  // those that begin from another stack than this one are reviewed in tests/unit/review/protection.test.ts alone
  const less = lessProtection(here).filter((it) => !it.before);
  const namesIn = ({ config }: Change): string[] =>
    Object.keys((config as { postgres?: { settings?: Tree } }).postgres?.settings ?? {});
  /** The setting that no other change is about; none where what is said depends on other settings. */
  const settingOf = (change: Change): string | undefined => {
    const [name = ""] = namesIn(change);
    const others = less.filter((it) => it !== change && namesIn(it).includes(name));
    return name === "" || others.length > 0 || name.startsWith("synchronous_") ? undefined : name;
  };
  const previews = new Map<boolean, Promise<Review>>();
  /** A preview of all changes of a setting that are mild, or of all that are not: each has a row of its own. */
  const ofSettings = (mild: boolean): Promise<Review> => {
    const preview = async () => {
      const those = less.filter((it) => settingOf(it) && Boolean(it.mild) === mild);
      const config = those.reduce<unknown>((laid, it) => merge(laid, it.config), {}) as Tree;
      const undo = apply({ what: "", config, rows: [] });
      const said = review(await stack.preview(["--json"]));
      undo();
      const own = said.rows.filter(({ resource }) => resource === "ConfigMap postgres-conf");
      expect(own.map(line), "a row for each").to.have.length(those.length);
      return said;
    };
    const known = previews.get(mild) ?? preview();
    previews.set(mild, known);
    return known;
  };

  for (const change of less) {
    const { what, rows, says, mild } = change;
    it(`${what}: ${rows[0]?.[0]}, before anything is changed`, async () => {
      const setting = settingOf(change);
      if (setting) {
        const said = await ofSettings(Boolean(mild));
        const own = said.rows.filter((row) => row.change.startsWith(`\`${setting}\`: `));
        expectRows(own, rows);
        expect(own.map(line).join("\n")).to.match(says);
        expect(own.some(({ blocks }) => blocks)).to.equal(!mild);
        expect(said.verdict).to.equal(mild ? "ok" : "dangerous");
        return;
      }
      const undo = apply(change);
      const said = review(await stack.preview(["--json"]));
      undo();
      expectRows(said.rows, rows);
      expect(said.rows.map(line).join("\n")).to.match(says);
      expect(said.verdict).to.equal(mild ? "ok" : "dangerous");
    });
  }

  for (const { what, refusal } of all.filter((change) => change.refusal)) {
    it(`${what}: the update is refused, and nothing is changed`, async () => {
      const before = await observe();
      const undo = apply(named(what));
      const said = review(await stack.preview(["--json"]));
      const { code, stdout } = await stack.pulumi(["up", "--yes"]);
      undo();
      expect(said.verdict, JSON.stringify(said)).to.equal("failed");
      expect(said.failure).to.match(refusal ?? /never/);
      expect(code, stdout).not.to.equal(0);
      expectReality([], before, await observe());
    });
  }

  it("a clone into a stack that has data: refused, as the review says", async () => {
    const before = await observe();
    const change = named("a clone into a stack that has data");
    const undo = apply(change);
    const { verdict, rows } = review(await stack.preview(["--json"]));
    const { code, stdout } = await stack.tryUp();
    undo();
    expectRows(rows, change.rows);
    expect(verdict).to.equal("dangerous");
    expect(code, stdout).not.to.equal(0);
    expectReality([], before, await observe());
  });

  // an update that went wrong leaves another stack than the next one expects
  let lost = false;
  beforeEach(function () {
    if (lost) skip(this, "an update before went wrong");
  });
  afterEach(function () {
    lost ||= this.currentTest?.state === "failed";
  });

  /** Changes that can be told apart in one update. */
  const groups: string[][] = [
    [
      "a comment in TypeScript",
      "the claim's resource renamed with an alias",
      "work_mem",
      "a greater dataSize",
      "the backups' schedule",
      "the backups' retention",
      "the kubeconfig in another place",
    ],
    ["a comment in a script", "the base image", "WAL-G's version"],
    ["shared_buffers", "the memory limit", "the priority class", "a probe's timing", "a label"],
    ["the backups' prefix", "another database", "another password"],
    ["image.ref in place of a build"],
    ["a restore"],
  ];
  for (const group of groups) {
    it(`${group.join(", ")}`, async () => {
      const before = await observe();
      if (group.includes("image.ref in place of a build")) {
        all = changes({ ...here, tested: `${here.repository}:${stack.outputs.tag}` });
      }
      const rows = group.map(named).flatMap((change) => {
        apply(change);
        return (change.live ?? change.rows).slice(0, 1);
      });
      const said = review(await stack.preview(["--json"]));
      rows.sort(([a], [b]) => severity({ effect: b }) - severity({ effect: a }));
      expectRows(said.rows, rows);
      await stack.up();
      expectReality(said.rows, before, await observe());
    });
  }

  it("a setting that PostgreSQL rejects: the update ends before the database is touched, as the review says", async () => {
    const before = await observe();
    const undo = apply(named("a setting that PostgreSQL rejects"));
    const { rows } = review(await stack.preview(["--json"]));
    const { code, stdout } = await stack.tryUp();
    undo();
    expect(rows.map(line).join("\n")).to.match(
      /rejects on a scratch server ends the update here, before the server is touched/,
    );
    expect(code, stdout).not.to.equal(0);
    expect(stdout).to.include("no_such_library");
    expectReality([], before, await observe());
  });

  it("the stack renamed: the update is refused, and nothing is changed", async () => {
    const before = await observe();
    await stack.rename("renamed");
    const said = review(await stack.preview(["--json"]));
    const { code, stdout } = await stack.tryUp();
    expect(said.verdict, JSON.stringify(said)).to.be.oneOf(["dangerous", "failed"]);
    expect(code, stdout).not.to.equal(0);
    expectReality([], before, await observe());
    await stack.rename("review");
  });

  it("another namespace once nothing is protected: another database there, and the old claim left behind", async () => {
    const elsewhere = `${here.namespace}-2`;
    const before = await observe();
    apply({
      what: "",
      config: { disposable: true, restore: undefined, placement: { namespace: elsewhere } },
      rows: [],
    });
    expectRows(review(await stack.preview(["--json"])).rows, named("another namespace").rows);
    await stack.up();
    expect((await observe(elsewhere)).claim).not.to.equal(before.claim);
    expect(await stack.get("pvc/postgres-data", ".metadata.uid")).to.equal(before.claim);
    expect(await stack.get("pvc/postgres-data", ".status.phase")).to.equal("Bound");
  });

  it("a program without its database: the data are deleted, as the review says", async () => {
    writeFileSync(join(stack.folder, "index.ts"), "");
    const { rows, verdict } = review(await stack.preview(["--json"]));
    expectRows(rows, [
      ["DELETES DATA", /PersistentVolumeClaim postgres-volume .*deleted/],
      ["REPLACES THE DATABASE", /StatefulSet postgres .*deleted/],
      ["disconnect", /PostgresInstance postgres .*deleted: \d+ objects/],
    ]);
    expect(verdict).to.equal("dangerous");
    await stack.up();
    expect(await run("kubectl", ["get", "pvc", "-n", `${here.namespace}-2`, "-o", "name"])).to.equal("");
    await run("kubectl", ["delete", "namespace", `${here.namespace}-2`, "--wait=false"]);
  });
});
