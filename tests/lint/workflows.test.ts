import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { projectFiles, read } from "./files";
import { actionOf, evaluate, files, type Job, job, steps, workflows } from "./github";
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
