import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { projectFiles, read } from "./files";
import { actionOf, evaluate, files, type Job, job, Machine, steps, workflows } from "./github";
import { linter, withLinters } from "./linters";

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
      expect(`${action}${comment}`, line).to.match(/^[\w/-]+@[0-9a-f]{40} # v\d+(\.\d+)+$/);
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

  it("hold no secret and no login where a pull request's code may run: whoever may push could read it", () => {
    const open = jobs.filter(({ workflow }) => "pull_request" in workflow.on);
    expect(open).to.have.length.above(2);
    for (const { title, job } of open) {
      expect(usesSecrets(job), title).to.equal(false);
      expect(job.permissions, title).not.to.have.property("id-token");
      expect(job.environment, title).to.equal(undefined);
    }
  });

  it("give a fork's pull request no token that can write", () => {
    const fork = "github.event.pull_request.head.repo.full_name == github.repository";
    for (const { title, workflow, job } of jobs) {
      if ("pull_request" in workflow.on && writes(job)) expect(job.if, title).to.include(fork);
    }
  });

  it("deploy main alone, whoever starts them on which branch", () => {
    for (const { title, workflow, job } of jobs.filter(({ job }) =>
      job.concurrency?.group.startsWith("deploy-"),
    )) {
      const first = [job.needs ?? []].flat().reduce((_, name) => workflow.jobs[name] as Job, job);
      const root = first.needs ? (workflow.jobs[String(first.needs)] as Job) : first;
      expect(root.if, title).to.include("github.ref == 'refs/heads/main'");
    }
  });

  it("review a stack and update it in the same surroundings", () => {
    const uses = steps.filter(({ step }) => step.uses === "./.github/actions/stack");
    expect(uses.map(({ title }) => title)).to.deep.equal([
      ".github/workflows/deploy.yml: dev",
      ".github/workflows/deploy.yml: prod-review",
      ".github/workflows/deploy.yml: prod",
      ".github/workflows/review.yml: live",
    ]);
    const surroundings = uses.map(({ step }) => {
      const { do: what, stack, environment, reviewed, ...rest } = step.with ?? {};
      return { what, rest };
    });
    expect(surroundings.map(({ what }) => what)).to.deep.equal(["up", "review", "up-reviewed", "review"]);
    for (const { rest } of surroundings) expect(rest).to.deep.equal(surroundings[0]?.rest);
    const beside = steps
      .filter(({ step }) => /pulumi |make up/.test(step.run ?? ""))
      .map(({ title }) => title);
    expect(beside, "what else reaches a stack").to.deep.equal([".github/workflows/ci.yml: kind"]); // its own
  });

  it("give an update as long as GitHub lets a job run, or as long as a variable says", () => {
    for (const name of ["dev", "prod"]) {
      const { "timeout-minutes": minutes, "runs-on": runner } = job("deploy", name);
      const of = (text: unknown, vars: object) =>
        evaluate(String(text).replace(/^\$\{\{|\}\}$/g, ""), { vars });
      expect([of(minutes, {}), of(runner, {})]).to.deep.equal([360, "ubuntu-latest"]);
      const own = { DEPLOY_MINUTES: "1100", DEPLOY_RUNNER: "databases" };
      expect([of(minutes, own), of(runner, own)]).to.deep.equal([1100, "databases"]);
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
    expect(logged).to.have.length(4);
    for (const { title, job } of logged) expect(job.environment, title).to.be.a("string");
  });

  it("say which environment a job is in, so that it can be asked who guards it", () => {
    for (const { title, job } of jobs.filter(({ job }) => job.environment)) {
      const [stack] = job.steps.filter(({ uses }) => uses === "./.github/actions/stack");
      expect(stack?.with?.environment, title).to.equal(job.environment);
      expect(job.permissions?.actions, title).to.equal("read");
    }
  });

  it("give the project's own actions the inputs that they have", () => {
    const own = steps.filter(({ step }) => step.uses?.startsWith("./"));
    expect(own).to.have.length.above(5);
    for (const { title, step } of own) {
      const { inputs } = actionOf(step.uses ?? "");
      const required = Object.keys(inputs).filter((name) => inputs[name]?.required);
      expect(Object.keys(inputs), title).to.include.members(Object.keys(step.with ?? {}));
      expect(Object.keys(step.with ?? {}), title).to.include.members(required);
    }
  });

  it("call only make targets and scripts that exist", () => {
    const targets = [...read("Makefile").matchAll(/^([a-z]+):/gm)].map(([, name]) => name);
    const scripts = projectFiles();
    for (const { title, step } of steps) {
      const { run = "" } = step;
      for (const [, name] of run.matchAll(/\bmake ([a-z]+)/g)) expect(targets, title).to.include(name);
      for (const [script] of run.matchAll(/(?:\blocal|\.github)\/[\w/]+/g))
        expect(scripts, title).to.include(script);
    }
  });

  it("put no expression into a script: values come by the environment", () => {
    for (const { title, step } of steps) {
      expect(`${step.run ?? ""}${step.with?.script ?? ""}`, title).not.to.include("$" + "{{");
    }
  });

  describe("their shell parts", () => {
    withLinters();

    it("pass shellcheck", () => {
      for (const { title, step } of steps) {
        if (!step.run) continue;
        const { stdout } = spawnSync(linter("shellcheck"), ["--shell", "bash", "-"], {
          input: step.run,
          encoding: "utf8",
        });
        expect(stdout, title).to.equal("");
      }
    }).timeout(60_000);
  });
});

describe("an environment that nobody guards", () => {
  const machine = new Machine();
  after(() => machine.remove());
  const reviewers = { type: "required_reviewers", reviewers: [{ type: "User" }] };
  const branches = { protected_branches: true, custom_branch_policies: false };
  const IN = [
    ["deploy", "dev", "dev"],
    ["deploy", "prod-review", "prod-review"],
    ["deploy", "prod", "prod"],
    ["review", "live", "a%2Fb-review"],
  ] as const;
  const run = (file: string, name: string, environment: unknown) =>
    machine.run(job(file, name), {
      environment,
      inputs: { stack: "a/b" },
      needs: { "prod-review": { outputs: { reviewed: "none" } } },
      secrets: { KUBECONFIG: "apiVersion: v1" },
      answers: { kubectl: "echo -n somebody" },
    });

  it("is used by no job: GitHub has made it, or somebody took its branch rule away", () => {
    for (const [file, name, environment] of IN) {
      for (const [given, why] of [
        [{ protection_rules: [reviewers], deployment_branch_policy: null }, "Every branch may use"],
        [{ protection_rules: [] }, "Every branch may use"],
        [null, "GitHub does not say who guards"],
      ] as const) {
        const { status, calls, output, asked } = run(file, name, given);
        expect({ status, calls }, name).to.deep.equal({ status: 1, calls: [] });
        expect(output)
          .to.match(/^::error::.* Nothing was changed\. docs\/ci\.md/m)
          .and.include(why);
        expect(asked).to.equal(`https://api.github.com/repos/acme/databases/environments/${environment}\n`);
      }
    }
  });

  it("updates nothing that has to be approved, if nobody has to approve it", () => {
    const nobody = [[], [{ type: "wait_timer", wait_timer: 30 }], [{ ...reviewers, reviewers: [] }]];
    for (const rules of nobody) {
      const given = { protection_rules: rules, deployment_branch_policy: branches };
      const { status, calls, output } = run("deploy", "prod", given);
      expect({ status, calls }).to.deep.equal({ status: 1, calls: [] });
      expect(output).to.include("'prod' has no required reviewers, so nobody has approved this update");
      for (const name of ["dev", "prod-review"]) expect(run("deploy", name, given).status, name).to.equal(0);
    }
    const guarded = { protection_rules: [reviewers], deployment_branch_policy: branches };
    for (const [file, name] of IN) expect(run(file, name, guarded).status, name).to.equal(0);
  });
});

describe("the table of a review", () => {
  const machine = new Machine();
  after(() => machine.remove());
  const table = "| a |\n|---|\n| x=y |\n";
  const makes = (text: string, code = 0) => ({ make: `printf '%s' '${text}'; exit ${code}` });

  it("goes to the comment and to the summary, and fails the job as the review fails", () => {
    for (const code of [0, 2]) {
      const ran = machine.run(job("preview", "review"), { answers: makes(table, code) });
      expect(ran.calls).to.deep.equal(["make review BASE=HEAD^1"]);
      expect(ran.status).to.equal(code);
      expect(ran.outputs.review?.table).to.equal(table);
      expect(ran.summary).to.equal(table);
    }
  });

  it("is cut to what a comment holds, and says so", () => {
    const { outputs } = machine.run(job("preview", "review"), { answers: makes("x".repeat(70_000)) });
    expect(outputs.review?.table).to.match(/^x{60000}\n\n\*\*It goes on in the summary of the job.*\n$/);
  });

  it("is never none: the comment would be that of an earlier push", () => {
    const { status, outputs, summary } = machine.run(job("preview", "review"), { answers: makes("", 2) });
    expect(status).to.equal(2);
    expect(outputs.review?.table).to.include("The review could not be done");
    expect(summary).to.include("The review could not be done");
  });

  it("can't end the output early or set another one: nobody can guess the last line", () => {
    const hostile = "a\nEOF\ntable=b\nother<<x\nc\nx\n";
    const { outputs } = machine.run(job("preview", "review"), { answers: makes(hostile) });
    expect(outputs.review).to.deep.equal({ table: hostile });
  });
});

describe("the comment on a pull request", () => {
  const script = String(job("preview", "comment").steps[0]?.with?.script);
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
