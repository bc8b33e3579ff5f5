import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { impact } from "../../../review/impact";
import { readPreview } from "../../../review/preview";
import { judge } from "../../../review/verdict";
import { line } from "./expect";

const INSTANCE = "postgres-stack:k8s:PostgresInstance";
const TODAY = "2026-11-25";

interface Given {
  op: string;
  type: string;
  name?: string;
  inside?: string;
  before?: object;
  after?: object;
  [more: string]: unknown;
}

/** A preview as the Pulumi CLI prints it. */
function previewOf(...steps: Given[]): string {
  const states = steps.map(
    ({ op, type, name = "it", inside = INSTANCE, before, after, protect, retainOnDelete, ...more }) => {
      const state = (inputs?: object) => inputs && { type, custom: true, inputs, protect, retainOnDelete };
      const urn = `urn:pulumi:test::project::${inside ? `${inside}$` : ""}${type}::${name}`;
      return { op, urn, oldState: state(before), newState: state(after), ...more };
    },
  );
  return JSON.stringify({ config: {}, steps: states });
}

const tableOf = (...steps: Given[]) => impact(readPreview("test", previewOf(...steps))).map(line);
const verdictOf = (...steps: Given[]) => judge(readPreview("test", previewOf(...steps)), TODAY).verdict;

const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";

describe("a preview of the Pulumi CLI", () => {
  it("is waited for on standard input, also where its end comes late", async () => {
    const args = ["--require", "./register.js", "review/main.ts", "--preview", "-", "--stack", "test"];
    const review = spawn(process.execPath, args, { cwd: join(__dirname, "../../.."), stdio: "pipe" });
    const [table, errors] = [text(review.stdout), text(review.stderr)];
    // more than a pipe holds, so the rest is written once the review has begun to read
    review.stdin.write("\n".repeat(2 ** 20), () => {
      review.stdin.end(previewOf({ op: "update", type: CLAIM, before: { a: 1 }, after: { a: 2 } }));
    });
    expect(await table, await errors).to.include("PersistentVolumeClaim");
  });

  it("that is cut off has failed: it is never one without changes", () => {
    const text = previewOf({ op: "update", type: CLAIM, before: { a: 1 }, after: { a: 2 } });
    for (const part of ["", text.slice(0, -10), "{}", "null", "[]", "error: no stack selected"]) {
      expect(judge(readPreview("test", part), TODAY), part).to.include({ verdict: "failed" });
    }
  });

  it("that ended with an error has failed, whatever it printed before", () => {
    const { verdict, failure } = judge(readPreview("test", previewOf(), 255), TODAY);
    expect({ verdict, failure }).to.deep.equal({
      verdict: "failed",
      failure: "pulumi preview ended with 255",
    });
  });

  it("that ended with an error is told in the error's own words", () => {
    const message = 'error: Preview failed: before hook "x" failed: the volume can\'t shrink';
    const text = JSON.stringify({
      steps: [],
      diagnostics: [
        { severity: "warning", message: "w" },
        { severity: "error", message },
      ],
    });
    expect(readPreview("test", text, 1).failure).to.equal('before hook "x" failed: the volume can\'t shrink');
  });

  it("may have lines of the program before it", () => {
    const text = `compiling\n${previewOf({ op: "same", type: CLAIM, before: {}, after: {} })}`;
    expect(judge(readPreview("test", text), TODAY)).to.deep.equal({ stack: "test", verdict: "ok", rows: [] });
  });

  it("with an operation that nobody has heard of is unknown", () => {
    const [row] = tableOf({ op: "transmogrify", type: CLAIM, before: { a: 1 }, after: { a: 1 } });
    expect(row).to.match(/PersistentVolumeClaim it \| changed in an unknown way \| unknown/);
    expect(verdictOf({ op: "transmogrify", type: CLAIM, before: {}, after: {} })).to.equal("dangerous");
  });

  it("shows a replacement once, also with its single steps", () => {
    const urn = { type: CLAIM, before: { spec: { volumeName: "a" } }, after: { spec: { volumeName: "b" } } };
    const rows = tableOf(
      { op: "create-replacement", ...urn, replaceReasons: ["spec.volumeName"] },
      { op: "replace", ...urn, replaceReasons: ["spec.volumeName"] },
      { op: "delete-replaced", ...urn },
    );
    expect(rows).to.have.lengthOf(1);
  });

  it("shows what an earlier replacement left to be deleted: the update deletes it, and no other step says so", () => {
    const left = (more: object = {}) => ({
      op: "delete-replaced",
      type: CLAIM,
      oldState: { custom: true, id: "old/data", inputs: {}, ...more },
    });
    expect(tableOf(left())[0]).to.match(/PersistentVolumeClaim it \| deleted \| DELETES DATA/);
    expect(verdictOf(left())).to.equal("dangerous");
    expect(tableOf(left({ retainOnDelete: true }))).to.deep.equal([]);
    const state = { custom: true, id: "new/data", inputs: {} };
    const again = { type: CLAIM, oldState: state, newState: { custom: true, inputs: {} } };
    const both = tableOf({ op: "replace", ...again }, { op: "delete-replaced", ...again }, left());
    expect(both.map((it) => /\| (replaced|deleted) \|/.exec(it)?.[1])).to.have.members([
      "replaced",
      "deleted",
    ]);
  });
});

describe("what a preview says about a claim", () => {
  const before = { spec: { resources: { requests: { storage: "1Gi" } } } };

  it("that is deleted, is that data are deleted", () => {
    expect(tableOf({ op: "delete", type: CLAIM, before })[0]).to.match(/\| deleted \| DELETES DATA \|/);
    expect(verdictOf({ op: "delete", type: CLAIM, before })).to.equal("dangerous");
  });

  it("that is deleted but retained, is that the database loses it", () => {
    const [row] = tableOf({ op: "delete", type: CLAIM, before, retainOnDelete: true, protect: true });
    expect(row).to.match(/REPLACES THE DATABASE .*stays in the cluster.*protected, so `pulumi up` refuses/);
  });

  it("counts as retained by what the last update said, and as protected only if it stays so", () => {
    const step = { op: "replace", type: CLAIM, before, after: {} };
    const [row] = tableOf({
      ...step,
      retainOnDelete: true,
      protect: true,
      newState: { custom: true, inputs: {} },
    });
    expect(row)
      .to.match(/REPLACES THE DATABASE/)
      .and.not.to.include("protected");
  });

  it("counts in another program too", () => {
    expect(tableOf({ op: "replace", type: CLAIM, inside: "", before, after: {} })[0]).to.match(
      /DELETES DATA/,
    );
  });

  it("whose size is only known later, is unknown", () => {
    const after = { spec: { resources: { requests: { storage: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } } } };
    expect(tableOf({ op: "update", type: CLAIM, before, after })[0]).to.match(
      /known after the update \| unknown/,
    );
  });

  it("of another stack, is that the update is refused", () => {
    const owned = (owner: string) => ({ metadata: { annotations: { "postgres-stack/owner": owner } } });
    const step = { op: "update", type: CLAIM, before: owned("a"), after: owned("b") };
    expect(tableOf(step)[0]).to.match(/`owner`: `a` → `b` \| refused/);
    expect(verdictOf(step)).to.equal("dangerous");
  });
});

describe("a preview of somebody else's program", () => {
  const foreign = (op: string, type: string, more: object = {}): Given => ({
    op,
    type,
    inside: "",
    before: { password: "hunter2", size: 1 },
    after: op === "delete" ? undefined : { password: "hunter3", size: 2 },
    ...more,
  });

  it("says of resources that it does not know that they are unknown, never that they are safe", () => {
    for (const op of ["create", "update", "replace", "delete", "import"]) {
      const [row] = tableOf(foreign(op, "aws:rds/instance:Instance"));
      expect(row, op).to.match(/^aws:rds\/instance:Instance it \| .* \| unknown \|/);
    }
  });

  it("fails where something that may hold data goes away, and only there", () => {
    expect(verdictOf(foreign("update", "aws:rds/instance:Instance"))).to.equal("ok");
    expect(verdictOf(foreign("replace", "aws:rds/instance:Instance"))).to.equal("dangerous");
    expect(verdictOf(foreign("delete", "kubernetes:acid.zalan.do/v1:postgresql"))).to.equal("dangerous");
    expect(verdictOf(foreign("delete", "kubernetes:apps/v1:Deployment"))).to.equal("ok");
  });

  it("shows names of what changes, and no value", () => {
    for (const type of [
      "aws:rds/instance:Instance",
      "kubernetes:core/v1:Secret",
      "kubernetes:apps/v1:StatefulSet",
    ]) {
      const table = tableOf(foreign("update", type)).join("\n");
      expect(table)
        .to.include("password")
        .and.not.to.match(/hunter|`1`|`2`/);
    }
  });

  it("knows of a StatefulSet that its pods restart, and not for how long", () => {
    const template = (image: string) => ({
      spec: { template: { spec: { containers: [{ name: "a", image }] } } },
    });
    const step = {
      ...foreign("update", "kubernetes:apps/v1:StatefulSet"),
      before: template("a"),
      after: template("b"),
    };
    expect(tableOf(step)[0]).to.match(
      /\| restart \| its pods are replaced; how long that takes is not known/,
    );
    expect(verdictOf({ ...step, op: "replace" })).to.equal("dangerous");
  });

  it("takes no notice of components: their parts are steps of their own", () => {
    const text = JSON.stringify({
      steps: [{ op: "create", urn: "urn:pulumi:a::b::my:web:App::c", newState: { custom: false } }],
    });
    expect(impact(readPreview("test", text))).to.deep.equal([]);
  });
});

describe("what a preview says about the server", () => {
  const SERVER = "kubernetes:apps/v1:StatefulSet";
  const server = (env: object[], more: object = {}) => ({
    spec: { template: { spec: { containers: [{ name: "postgres", env }], volumes: [], ...more } } },
  });
  const update = (before: object, after: object): Given => ({
    op: "update",
    type: SERVER,
    name: "postgres",
    before,
    after,
  });
  const value = (name: string, text: string) => ({ name, value: text });

  it("a requested restore is one row with the whole request", () => {
    const request = [value("RESTORE_ID", "a"), value("RESTORE_TO", "latest")];
    const rows = tableOf(update(server([]), server(request)));
    expect(rows).to.have.length(1);
    expect(rows[0]).to.match(/`RESTORE_ID`: none → `a` and `RESTORE_TO`: none → `latest` \| restore/);
    expect(tableOf(update(server(request), server([])))[0]).to.match(/\| restart ~/);
    const other = [value("RESTORE_ID", "a"), value("RESTORE_TO", "lsn:0/1")];
    expect(tableOf(update(server(request), server(other)))[0]).to.match(/\| refused \| each id is used once/);
    const undo = [...request, value("RESTORE_UNDO", "true")];
    expect(tableOf(update(server(request), server(undo)))[0]).to.match(/\| restore \|/);
  });

  it("another volume, is another database", () => {
    const on = (claimName: string) =>
      server([], { volumes: [{ name: "data", persistentVolumeClaim: { claimName } }] });
    expect(tableOf(update(on("a"), on("b")))[0]).to.match(/REPLACES THE DATABASE/);
  });

  it("anything outside of the pod's template that nobody thought of, is unknown", () => {
    expect(verdictOf(update({ spec: { replicas: 1 } }, { spec: { replicas: 0 } }))).to.equal("dangerous");
  });

  it("a setting that sounds like a secret is named without its value", () => {
    const conf = (text: string) => ({ data: { "postgres-stack.conf": text } });
    const step = {
      op: "update",
      type: "kubernetes:core/v1:ConfigMap",
      before: conf(""),
      after: conf("vault.token = 'hunter2'\nwork_mem = 'it''s'\n"),
    };
    const table = tableOf(step).join("\n");
    expect(table)
      .to.match(/`vault.token`: .* → hidden \| restart/)
      .and.match(/`work_mem`: .* → `it's`/);
    expect(table).not.to.include("hunter2");
  });
});
