import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { attempt, run } from "../../local/process";
import type { Answer } from "../../review/child";
import { compare } from "../../review/compare";
import { impact } from "../../review/impact";
import type { Review } from "../../review/verdict";
import { render } from "../../review/versions";
import { skip } from "../lib/skip";
import { worked } from "../lib/worked";
import { checkout } from "../stack/stack";
import { type Change, changes, NOWHERE, stackSettings } from "../unit/review/changes";
import { edit } from "../unit/review/edit";
import { expectRows, line } from "../unit/review/expect";
import { lessProtection } from "../unit/review/less";
import { merge, type Tree } from "../unit/settings/stack";

/** No route to anywhere, no daemon, no cluster, no cloud. */
const OFFLINE = ["-rn", "env", "DOCKER_HOST=tcp://127.0.0.1:1", "KUBECONFIG=/nowhere", "AWS_PROFILE=nobody"];

/** A clone of the project with a history of one commit, and stacks of its own. */
class Clone {
  readonly folder = checkout();

  constructor() {
    for (const stack of ["dev", "prod"]) rmSync(join(this.folder, `Pulumi.${stack}.yaml`));
  }

  git(...args: string[]): Promise<string> {
    const who = [
      "-c",
      "user.name=test",
      "-c",
      "user.email=test@example.com",
      "-c",
      "init.defaultBranch=main",
    ];
    return run("git", [...who, ...args], { cwd: this.folder });
  }

  async commit(): Promise<void> {
    await this.git("init", "-q");
    writeFileSync(join(this.folder, ".git/info/exclude"), "node_modules\n");
    await this.git("add", "-A");
    await this.git("commit", "-qm", "what runs");
  }

  /** Writes a stack's file: the stack of the changes, in a namespace of its own, with something laid over it. */
  write(stack: string, ...overlays: (Tree | undefined)[]): void {
    const own = { ...NOWHERE, namespace: stack };
    const settings = Object.entries(
      overlays.reduce<unknown>((all, it) => merge(all, it ?? {}), stackSettings(own)) as Tree,
    );
    const config = settings.map(([key, value]) => [key.includes(":") ? key : `postgres-stack:${key}`, value]);
    writeFileSync(
      join(this.folder, `Pulumi.${stack}.yaml`),
      JSON.stringify({ config: Object.fromEntries(config) }),
    );
  }

  /** Writes a stack's file that takes its image from Pulumi ESC. */
  writeImporting(stack: string, environment: readonly string[]): void {
    this.write(stack);
    const path = join(this.folder, `Pulumi.${stack}.yaml`);
    const { config } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(
      path,
      JSON.stringify({ environment, config: { ...config, "postgres-stack:image": undefined } }),
    );
  }

  review(...args: string[]) {
    return attempt("unshare", [...OFFLINE, "local/review", ...args], { cwd: this.folder });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

describe("the review of two commits, without network, daemon or cluster", function () {
  this.timeout(300_000);
  const clone = new Clone();
  const all: Change[] = [...changes(NOWHERE), ...lessProtection(NOWHERE)];
  const inFile = all.filter(({ config }) => config !== undefined);
  const stackOf = (change: Change) => `change-${inFile.indexOf(change)}`;
  const leave = (until: string) => ({
    allow: [{ effect: "DELETES DATA", until, why: "nobody needs the old data" }],
  });
  const gone = { disposable: true, storageClass: NOWHERE.otherClass };
  let reviews: Map<string, Review>;

  before(async function () {
    if ((await attempt("unshare", ["-rn", "true"]).catch(() => ({ code: 1 }))).code !== 0)
      skip(this, "this machine gives no process a network of its own");
    for (const change of inFile) clone.write(stackOf(change), change.before);
    for (const stack of ["plain", "renamed", "removed", "broken"]) clone.write(stack);
    for (const stack of ["deleted", "allowed", "expired"]) clone.write(stack, { disposable: true });
    clone.write("broken-before", { dataSize: "10GB" });
    for (const stack of ["imports", "imports-another"]) clone.writeImporting(stack, ["images"]);
    await clone.commit();
  });
  after(() => clone.remove());

  it("no change is no row and exit 0 in less than 10 s, from a checkout under another umask and for another architecture", async () => {
    await run("chmod", [
      "-R",
      "go=",
      ...["docker-context", "settings", "index.ts", "review"].map((it) => join(clone.folder, it)),
    ]);
    const start = worked();
    const { code, stdout, stderr } = await clone.review(
      "--base",
      "HEAD",
      "--stack",
      "plain",
      "--stack",
      "change-0",
    );
    expect(stdout, stderr).to.equal("### plain: no change\n\n### change-0: no change\n");
    expect(code).to.equal(0);
    expect(worked() - start).to.be.below(10);
  });

  it("all stacks are reviewed when none is named, and the worst decides the exit code", async () => {
    for (const change of inFile) clone.write(stackOf(change), change.before, change.config);
    for (const stack of ["renamed", "removed"]) rmSync(join(clone.folder, `Pulumi.${stack}.yaml`));
    clone.write("new-name", { placement: { namespace: "renamed" } });
    clone.write("added");
    clone.write("broken", { dataSize: "10GB" });
    clone.write("broken-before");
    clone.writeImporting("imports-another", ["images", "more"]);
    clone.write("deleted", gone);
    clone.write("allowed", { ...gone, review: leave("9999-12-31") });
    clone.write("expired", { ...gone, review: leave("2026-01-01") });
    const { code, stdout, stderr } = await clone.review("--base", "HEAD", "--json");
    expect(code, stderr).to.equal(2);
    const list = JSON.parse(stdout).reviews as Review[];
    reviews = new Map(list.map((review) => [review.stack, review]));
    expect(reviews.size).to.equal(inFile.length + 12);
    expect(stdout).not.to.match(/nobody-may-see/);
  });

  const reviewOf = (stack: string) => reviews.get(stack) ?? expect.fail(`no review of ${stack}`);

  for (const change of inFile) {
    it(`${change.what}: ${change.rows[0]?.[0]}`, () =>
      expectRows(reviewOf(stackOf(change)).rows, change.rows));
  }

  it("a claim destroyed and recreated passes only with a dated line in the stack's file", () => {
    const verdicts = ["deleted", "allowed", "expired"].map((stack) => reviewOf(stack));
    for (const { rows } of verdicts)
      expectRows(rows, [["DELETES DATA", /PersistentVolumeClaim postgres-data/]]);
    expect(verdicts.map(({ verdict }) => verdict)).to.deep.equal(["dangerous", "ok", "dangerous"]);
  });

  it("a stack whose file is removed runs on, and a new one is new", () => {
    expect(reviewOf("removed").rows.map(line).join("\n")).to.match(
      /^Pulumi.removed.yaml \| deleted \| nothing \| .*until `pulumi destroy`, and takes base backups until then; .*The archive at `s3:\/\/bucket\/database` stays, and nothing is deleted in it any more/,
    );
    expect(reviewOf("added").rows.map(line).join("\n")).to.match(
      /^PostgresInstance postgres \| created: \d+ objects \| nothing/,
    );
  });

  it("a stack under a new name can't take the claim of the old one", () => {
    expectRows(reviewOf("new-name").rows, [["refused", /Pulumi.new-name.yaml .*`renamed\/postgres-data`/]]);
  });

  it("what Pulumi ESC gives is said to be unknown, and other environments need leave", () => {
    const [same, other] = [reviewOf("imports"), reviewOf("imports-another")];
    for (const { failure, rows } of [same, other]) {
      expect(failure).to.equal(undefined);
      expectRows(rows, [["unknown", /`environment`/]]);
    }
    expect([same.verdict, other.verdict]).to.deep.equal(["ok", "dangerous"]);
  });

  it("a stack may be named with its organization", async () => {
    const { code, stdout, stderr } = await clone.review(
      "--base",
      "HEAD",
      "--stack",
      "acme/postgres-stack/plain",
    );
    expect(code, stderr).to.equal(0);
    expect(stdout).to.equal("### plain: no change\n");
  });

  it("settings that are rejected are reported, in either version", () => {
    expect(reviewOf("broken").failure).to.match(
      /1 setting is wrong in stack broken.*\n {2}dataSize: is not a valid quantity/,
    );
    expect(reviewOf("broken-before").failure).to.match(
      /^HEAD can't be rendered.*BASE=<commit>\n1 setting is wrong/,
    );
  });

  it("a missing commit and a missing stack end in one line", async () => {
    const lost = await clone.review("--base", "no-such-branch");
    expect([lost.code, lost.stderr]).to.deep.equal([
      2,
      "error: no-such-branch is not a commit of this repository. In a shallow checkout, fetch it first: git fetch --depth=1 origin <branch>\n",
    ]);
    const nobody = await clone.review("--base", "HEAD", "--stack", "nobody");
    expect(nobody.code).to.equal(2);
    expect(nobody.stderr).to.match(/^error: there is no Pulumi.nobody.yaml, neither here nor in HEAD/);
  });

  it("leaves nothing in the repository", async () => {
    expect(await clone.git("worktree", "list")).to.match(/^[^\n]*\n$/);
    expect(await clone.git("status", "--porcelain", "--", ".", ":!Pulumi.*.yaml")).to.equal("");
  });

  describe("changes of the program", () => {
    const order = { stacks: ["plain"], key: "the same for both" };
    let old: Answer | undefined;
    before(async () => {
      [old] = await render(clone.folder, order);
    });

    for (const { what, edits = [], rows } of all.filter((change) => change.edits)) {
      it(`${what}: ${rows[0]?.[0] ?? "no row"}`, async () => {
        const undo = edit(clone.folder, edits);
        const [now] = await render(clone.folder, order).finally(undo);
        const after = now?.rendered ?? expect.fail(String(now?.error));
        const steps = compare(old?.rendered, after);
        expectRows(impact({ stack: "plain", steps, review: undefined, more: [] }), rows);
      });
    }
  });
});
