import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { load } from "js-yaml";
import { projectFiles, read } from "./files";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = projectFiles().filter((file) => file.startsWith(".github/") && file.endsWith(".yml"));
const workflows = files
  .filter((file) => file.startsWith(".github/workflows/"))
  .map((file) => ({ file, workflow: load(read(file)) as Workflow }));
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ title: `${file}: ${name}`, workflow, job })),
);
const writes = ({ permissions }: Job) => Object.values(permissions ?? {}).includes("write");
const usesSecrets = (job: Job) => JSON.stringify(job).includes("secrets.");

describe("the workflows", () => {
  it("name every action by a commit, with the version beside it", () => {
    const used = files.flatMap((file) => [...read(file).matchAll(/uses: *(\S+)(.*)/g)]);
    expect(used).to.have.length.above(5);
    for (const [line, action = "", comment = ""] of used) {
      if (action.startsWith("./")) continue;
      expect(`${action}${comment}`, line).to.match(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  it("name one commit for one action", () => {
    const used = files.flatMap((file) => [...read(file).matchAll(/uses: *([\w/-]+)@(\w+)/g)]);
    const commits = new Map<string, Set<string>>();
    for (const [, action = "", commit = ""] of used) {
      commits.set(action, (commits.get(action) ?? new Set()).add(commit));
    }
    for (const [action, found] of commits) expect([...found], action).to.have.length(1);
  });

  it("begin with no permission, and every job says what it needs", () => {
    for (const { file, workflow } of workflows) expect(workflow.permissions, file).to.deep.equal({});
    for (const { title, job } of jobs) expect(job.permissions, title).to.be.an("object");
  });

  it("never run a pull request's code with the base's secrets", () => {
    for (const { file, workflow } of workflows) {
      expect(workflow.on, file).not.to.have.any.keys("pull_request_target", "workflow_run");
    }
  });

  it("keep no credential of git in the checkout", () => {
    for (const { title, job } of jobs) {
      for (const step of job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
        expect(step.with, title).to.deep.include({ "persist-credentials": false });
      }
    }
  });

  it("give a fork's pull request neither a secret nor a token that can write", () => {
    const fork = "github.event.pull_request.head.repo.full_name == github.repository";
    for (const { title, workflow, job } of jobs) {
      if (!("pull_request" in workflow.on) || (!writes(job) && !usesSecrets(job))) continue;
      expect(job.if, title).to.include(fork);
    }
  });

  it("run none of the project's code where the token can write to the repository", () => {
    const able = jobs.filter(({ job }) =>
      Object.keys(job.permissions ?? {}).some((it) => it !== "id-token" && job.permissions?.[it] === "write"),
    );
    expect(able.map(({ title }) => title)).to.deep.equal([".github/workflows/preview.yml: comment"]);
    for (const { job } of able) {
      expect(job.steps.map(({ uses }) => uses?.split("@")[0])).to.deep.equal(["actions/github-script"]);
    }
  });

  it("log in to a cloud only in a job that an environment guards", () => {
    const logged = jobs.filter(({ job }) => job.permissions?.["id-token"] === "write" || usesSecrets(job));
    expect(logged).to.have.length(3);
    for (const { title, job } of logged) expect(job.environment, title).to.be.a("string");
  });

  it("give the project's own actions the inputs that they have", () => {
    for (const { title, job } of jobs) {
      for (const { uses = "", with: given = {} } of job.steps.filter((it) => it.uses?.startsWith("./"))) {
        const action = load(read(`${uses.slice(2)}/action.yml`)) as {
          inputs: Record<string, { required?: boolean }>;
        };
        const required = Object.entries(action.inputs).filter(([, input]) => input.required);
        expect(Object.keys(action.inputs), title).to.include.members(Object.keys(given));
        expect(Object.keys(given), title).to.include.members(required.map(([name]) => name));
      }
    }
  });

  it("call only make targets and scripts that exist", () => {
    const targets = [...read("Makefile").matchAll(/^([a-z]+):/gm)].map(([, name]) => name);
    const scripts = projectFiles();
    for (const { title, job } of jobs) {
      const commands = job.steps.map(({ run = "" }) => run).join("\n");
      for (const [, name] of commands.matchAll(/\bmake ([a-z]+)/g)) expect(targets, title).to.include(name);
      for (const [script] of commands.matchAll(/\blocal\/\w+/g)) expect(scripts, title).to.include(script);
    }
  });
});

describe("the step that makes the table", () => {
  const step = workflows
    .find(({ file }) => file.endsWith("/preview.yml"))
    ?.workflow.jobs.review?.steps.find(({ run }) => run?.includes("make review"));
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-workflow-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs the step with a `make` that prints the table and ends with this code. */
  function run(table: string, code: number) {
    writeFileSync(join(folder, "wanted.md"), table);
    writeFileSync(join(folder, "make"), `#!/bin/sh\ncat wanted.md\nexit ${code}\n`, { mode: 0o755 });
    for (const file of ["output", "summary"]) writeFileSync(join(folder, file), "");
    const own = { GITHUB_OUTPUT: join(folder, "output"), GITHUB_STEP_SUMMARY: join(folder, "summary") };
    const env = { ...process.env, ...own, PATH: `${folder}:${process.env.PATH}` };
    const { status } = spawnSync("bash", ["-e", "-c", step?.run ?? ""], { cwd: folder, env });
    const [, end, output] =
      /^table<<(\w{32})\n(.*)\n\1\n$/s.exec(readFileSync(own.GITHUB_OUTPUT, "utf8")) ?? [];
    return { status, end, output, summary: readFileSync(own.GITHUB_STEP_SUMMARY, "utf8") };
  }

  it("hands it to the comment and to the summary, and fails with it", () => {
    const table = "| a |\n|---|\n| x=y |\n";
    expect(run(table, 0)).to.include({ status: 0, output: table, summary: table });
    expect(run(table, 2)).to.include({ status: 2, output: table, summary: table });
  });

  it("ends it by words that nobody can guess, and cuts what no comment could hold", () => {
    const { end, output } = run("x".repeat(70_000), 0);
    expect(output).to.have.length(60_000);
    expect(run("", 0).end).not.to.equal(end);
  });
});

describe("the comment on a pull request", () => {
  const script = String(
    workflows.find(({ file }) => file.endsWith("/preview.yml"))?.workflow.jobs.comment?.steps[0]?.with
      ?.script,
  );
  interface Comment {
    id: number;
    user: { type: string };
    body: string;
  }

  /** Runs the workflow's own script against a pull request with these comments. */
  async function comment(comments: Comment[], table: string): Promise<void> {
    const issues = {
      listComments: "listComments",
      createComment: async ({ body, issue_number }: { body: string; issue_number: number }) => {
        expect(issue_number).to.equal(7);
        comments.push({ id: comments.length + 1, user: { type: "Bot" }, body });
      },
      updateComment: async ({ body, comment_id }: { body: string; comment_id: number }) => {
        (comments.find(({ id }) => id === comment_id) as Comment).body = body;
      },
    };
    const github = { rest: { issues }, paginate: async () => comments };
    const context = { repo: { owner: "o", repo: "r" }, issue: { number: 7 } };
    const run = Object.getPrototypeOf(async () => {}).constructor("github", "context", "process", script);
    await run(github, context, { env: { TABLE: table } });
  }

  it("is made once and then kept up to date; nobody else's is touched", async () => {
    const mine = {
      id: 1,
      user: { type: "User" },
      body: "<!-- postgres-stack: review --> quoted by somebody",
    };
    const comments: Comment[] = [mine];
    await comment(comments, "| first |");
    await comment(comments, "| second |");
    expect(comments).to.have.length(2);
    expect(comments[0]).to.deep.equal(mine);
    expect(comments[1]?.body).to.include("| second |").and.not.include("| first |");
  });

  it("shows a table as it is, whatever is in it", async () => {
    const hostile = "`$(id)` $" + "{process.env} </details>";
    const comments: Comment[] = [];
    await comment(comments, hostile);
    expect(comments[0]?.body).to.include(hostile);
  });
});
