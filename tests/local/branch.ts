import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../../local/process";
import { readPreview } from "../../review/preview";
import { markdown } from "../../review/table";
import { judge, type ReviewedRow } from "../../review/verdict";
import { evaluate, type Job, workflows } from "../lint/github";
import { Machine } from "../lint/machine";
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
export class Project {
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
