import { expect } from "chai";
import { job } from "./github";
import { Machine } from "./machine";

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
