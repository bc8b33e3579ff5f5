import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../../local/process";
import { readPreview } from "../../review/preview";
import { markdown } from "../../review/table";
import { judge, type ReviewedRow } from "../../review/verdict";
import { evaluate, type Job, Machine, workflows } from "../lint/github";
import { checkout } from "../stack/stack";
import { NOWHERE, stackSettings } from "../unit/review/changes";
import { merge, type Tree } from "../unit/settings/stack";

const jobs = workflows.find(({ file }) => file.endsWith("/deploy.yml"))?.workflow.jobs ?? {};
const ZEROS = "0".repeat(40);
const today = () => new Date().toISOString().slice(0, 10);

interface Applied {
  readonly stack: string;
  readonly rows: readonly ReviewedRow[];
}

/** A repository with the project, stacks whose state is in a folder, and the runs of deploy.yml that pushes start. */
class Project {
  readonly folder = checkout();
  readonly states = mkdtempSync(join(tmpdir(), "postgres-stack-states-"));
  readonly machine = new Machine(this.folder);
  /** All that updates have changed, in order. */
  readonly applied: Applied[] = [];
  head = ZEROS;

  async create(): Promise<void> {
    utimesSync(join(this.folder, "package-lock.json"), 0, 0); // node_modules is newer: nothing is installed
    await this.git("init", "-q", "-b", "main");
    writeFileSync(join(this.folder, ".git/info/exclude"), "node_modules\n.local\n");
    for (const stack of ["dev", "prod"]) this.init(stack);
  }

  /** As `pulumi stack init`. */
  init(stack: string): void {
    writeFileSync(join(this.states, `${stack}.json`), JSON.stringify({ resources: [] }));
  }

  git(...args: string[]): Promise<string> {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    return run("git", [...who, ...args], { cwd: this.folder });
  }

  /** Pushes a commit with these settings of prod, on top of the last one or of another. */
  async push(prod: Tree, onto?: string): Promise<Run> {
    if (onto) await this.git("checkout", "-q", "--detach", onto);
    for (const [stack, overlay] of [
      ["dev", { disposable: true }],
      ["prod", prod],
    ] as const) {
      const settings = merge(stackSettings({ ...NOWHERE, namespace: stack }), overlay) as Tree;
      const config = Object.entries(settings).map(([key, value]) => [`postgres-stack:${key}`, value]);
      writeFileSync(
        join(this.folder, `Pulumi.${stack}.yaml`),
        JSON.stringify({ config: Object.fromEntries(config) }),
      );
    }
    writeFileSync(join(this.folder, "README.md"), `${Math.random()}\n`); // a word of it changes every time
    await this.git("add", "-A");
    await this.git("commit", "-qm", "a push");
    const before = this.head;
    this.head = (await this.git("rev-parse", "HEAD")).trim();
    return new Run(this, before, this.head);
  }

  /** What updates have changed since the last call. */
  takeApplied(): Applied[] {
    const file = join(this.states, "applied");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trim().split("\n");
    rmSync(file);
    const found = lines.map((line) => {
      const { stack, preview } = JSON.parse(line);
      return { stack, rows: judge(readPreview(stack, preview), today()).rows };
    });
    this.applied.push(...found);
    return found;
  }

  /** The server of a stack, by what tells whether it was restored. */
  server(stack: string): string {
    const { resources } = JSON.parse(readFileSync(join(this.states, `${stack}.json`), "utf8"));
    return JSON.stringify(
      resources.find(({ type }: { type: string }) => type.endsWith(":StatefulSet")) ?? null,
    );
  }

  remove(): void {
    this.machine.remove();
    for (const folder of [this.folder, this.states]) rmSync(folder, { recursive: true, force: true });
  }
}

/** The Pulumi CLI on the states of a folder: a preview and an update are pulumi.cjs's. */
const pulumiOn = (states: string) => `
case "$1 $2 \${3:-}" in
  "stack select --stack") if [[ ! -f '${states}'/"$4.json" ]]; then echo "error: no stack named '$4' found"; exit 1; fi ;;
  "stack tag ls") echo '{}' ;;
  "stack tag "*) ;;
  "stack export --stack") echo '{"deployment": {}}' >"$6" ;;
  *) STANDIN_STATE='${states}' exec node '${join(__dirname, "pulumi.cjs")}' "$@" ;;
esac`;

/** One run of deploy.yml, job by job. */
class Run {
  /** What the run's page shows, before somebody lets prod go on. */
  summary = "";
  output = "";
  private readonly results = new Map<string, { result: string; outputs: Readonly<Record<string, string>> }>();

  constructor(
    private readonly project: Project,
    private readonly before: string,
    private readonly sha: string,
  ) {}

  /** Runs every job but that which waits for an approval. */
  async begin(): Promise<this> {
    for (let ready = this.ready(); ready.length > 0; ready = this.ready()) {
      for (const [name, job] of ready) await this.run(name, job);
    }
    return this;
  }

  /** Whether somebody is asked. */
  get asks(): boolean {
    return !this.results.has("prod") && this.may(jobs.prod as Job);
  }

  /** Somebody has read the summary and lets prod go on; the job's result. */
  async approve(): Promise<string> {
    expect(this.asks, `nobody was asked:\n${this.summary}\n${this.output}`).to.equal(true);
    await this.run("prod", jobs.prod as Job);
    return this.result("prod");
  }

  /** As GitHub's "Re-run all jobs". */
  again(): Promise<Run> {
    return new Run(this.project, this.before, this.sha).begin();
  }

  result(name: string): string {
    return this.results.get(name)?.result ?? "not run";
  }

  private ready(): [string, Job][] {
    const open = Object.entries(jobs).filter(([name]) => name !== "prod" && !this.results.has(name));
    return open.filter(([, job]) => this.may(job));
  }

  private may({ needs = [] }: Job): boolean {
    return [needs].flat().every((name) => this.result(name) === "success");
  }

  private async run(name: string, job: Job): Promise<void> {
    const { project } = this;
    await project.git("checkout", "-q", "--detach", this.sha);
    const contexts = {
      vars: { PULUMI_BACKEND_URL: "file:///nowhere" },
      secrets: { KUBECONFIG: "apiVersion: v1" },
      github: { event: { before: this.before }, ref: "refs/heads/main", sha: this.sha },
      needs: Object.fromEntries(this.results),
    };
    if (job.if) expect(evaluate(job.if.replace(/^\$\{\{|\}\}$/g, ""), contexts)).to.equal(true);
    const answers = { kubectl: "echo -n somebody", pulumi: pulumiOn(project.states) };
    const { status, given, summary, output } = project.machine.run(job, { ...contexts, answers });
    this.summary += name === "prod" ? "" : summary;
    this.output += output;
    this.results.set(name, { result: status === 0 ? "success" : "failure", outputs: given });
    this.expectReviewed(name);
  }

  /** Nothing that was not reviewed, and nothing dangerous without leave, has been applied; of prod nothing that nobody has seen. */
  private expectReviewed(name: string): void {
    for (const { stack, rows } of this.project.takeApplied()) {
      const what = (row: ReviewedRow) => `${stack}: ${row.effect}: ${row.resource} ${row.change}`;
      expect(rows.filter(({ blocks }) => blocks).map(what), `${name}: applied without leave`).to.deep.equal(
        [],
      );
      if (stack !== "prod") continue;
      const seen = (row: ReviewedRow) => row.effect === "nothing" || this.summary.includes(lineOf(row));
      expect(rows.filter((row) => !seen(row)).map(what), `${name}: applied, but never shown`).to.deep.equal(
        [],
      );
    }
  }
}

/** A row as the table has it, up to its effect. */
function lineOf(row: ReviewedRow): string {
  const table = markdown([{ stack: "any", verdict: "ok", rows: [row] }]);
  return table.split("\n").slice(-2)[0]?.split(" | ").slice(0, 2).join(" | ") ?? "";
}

const RESTORE = { restore: { id: "before-the-drop", to: "2026-01-01T00:00:00Z" } };
const allow = (until: string) => ({
  review: { allow: [{ effect: "restore", until, why: "a table was dropped" }] },
});
const memory = (settings: Tree) => ({ postgres: { settings } });

describe("the history of a branch through deploy.yml: nothing unreviewed is ever applied", function () {
  this.timeout("10m");
  const project = new Project();
  before(() => project.create());
  after(() => project.remove());
  const deploy = async (prod: Tree, onto?: string) => (await project.push(prod, onto)).begin();
  const restored = () => project.server("prod").includes("before-the-drop");
  let first: string;

  it("a first push brings up stacks that were made for it, and names the ones that were not", async () => {
    rmSync(join(project.states, "prod.json"));
    const lost = await deploy({});
    expect([lost.result("dev"), lost.asks]).to.deep.equal(["success", false]);
    expect(lost.output).to.include("pulumi stack init prod");
    project.init("prod");
    const run = await lost.again();
    expect(run.summary).to.match(/created: \d+ objects/);
    expect(await run.approve()).to.equal("success");
    expect(project.server("prod")).to.include("prod");
    first = project.head;
  });

  it("a restore without leave is refused, and so is every later push, however innocent, until it is allowed or gone", async () => {
    for (const what of ["refused", "innocent"]) {
      const run = await deploy(RESTORE);
      expect(run.asks, what).to.equal(false);
      expect(run.summary, what).to.include("**restore**");
    }
    const expired = await deploy({ ...RESTORE, ...allow("2026-01-01") });
    expect(expired.asks).to.equal(false);
    expect(expired.summary).to.include("the leave for it ended with 2026-01-01");
    const gone = await deploy({});
    expect(gone.summary).to.match(/### prod: no change/);
    expect(restored()).to.equal(false);
  });

  it("a skipped approval hides nothing: the next one shows all that gathered", async () => {
    const skipped = await deploy(memory({ work_mem: "7MB" }));
    expect(skipped.asks).to.equal(true);
    await deploy(memory({ work_mem: "7MB", log_min_duration_statement: "1s" }));
    const innocent = await deploy(memory({ work_mem: "7MB", log_min_duration_statement: "1s" }));
    expect(innocent.summary).to.include("`work_mem`").and.include("`log_min_duration_statement`");
    expect(await innocent.approve()).to.equal("success");
    // the ones that were passed over bring the older commit: nobody has seen what that does to what runs now
    expect(await skipped.approve()).to.equal("failure");
    expect(skipped.output).to.include("not in the review that was approved");
    expect(project.server("prod")).to.be.a("string");
  });

  it("a force-push, to an older commit too, is reviewed by what it takes back", async () => {
    const run = await deploy(memory({ work_mem: "8MB" }), first);
    expect(run.summary).to.include("`work_mem`: `7MB` → `8MB`").and.include("`log_min_duration_statement`");
    expect(await run.approve()).to.equal("success");
  });

  it("of two pushes, the later one is held to what it has shown when the other came between", async () => {
    const one = await deploy(memory({ work_mem: "9MB" }));
    const two = await deploy(memory({ work_mem: "9MB", lock_timeout: "5s" }));
    expect(await one.approve()).to.equal("success");
    expect(await two.approve()).to.equal("success"); // less than what it has shown
    const three = await deploy(memory({ work_mem: "10MB" }));
    const four = await deploy(memory({ work_mem: "11MB" }));
    expect(await three.approve()).to.equal("success");
    expect(await four.approve()).to.equal("failure"); // from 10MB now, which nobody has seen
    expect(await (await four.again()).approve()).to.equal("success");
  });

  it("what a failed update has not done is in the next review, and so is what a revert takes back of the rest", async () => {
    const change = memory({ work_mem: "12MB", max_connections: 40 });
    const run = await deploy(change);
    writeFileSync(join(project.states, "fail"), "");
    expect(await run.approve()).to.equal("failure");
    const retry = await run.again();
    expect(retry.summary).to.include("StatefulSet postgres");
    const revert = await deploy(memory({ work_mem: "11MB" }));
    expect(revert.summary).to.include("`max_connections`");
    expect(await revert.approve()).to.equal("success");
    expect(await retry.approve()).to.equal("failure"); // of the state in between
    const again = await deploy(memory({ work_mem: "11MB" }));
    expect(again.summary).to.match(/### prod: no change/);
  });

  it("a restore with leave is applied once somebody has seen it", async () => {
    const run = await deploy({ ...memory({ work_mem: "11MB" }), ...RESTORE, ...allow("9999-12-31") });
    expect(run.summary).to.include("allowed until 9999-12-31");
    expect(restored()).to.equal(false);
    expect(await run.approve()).to.equal("success");
    expect(restored()).to.equal(true);
  });

  it("what is lost between a review and its approval is not made anew unseen", async () => {
    const run = await deploy({ ...memory({ work_mem: "13MB" }), ...RESTORE, ...allow("9999-12-31") });
    const file = join(project.states, "prod.json");
    const state = readFileSync(file);
    project.init("prod");
    expect(await run.approve()).to.equal("failure");
    expect(run.output).to.match(/not in the review that was approved.*\n(.*\n)*.*created: \d+ objects/);
    writeFileSync(file, state);
  });

  it("has applied something in all of these, so that there was something to look at", () => {
    expect(project.applied.filter(({ stack }) => stack === "prod").length).to.be.above(6);
  });
});
