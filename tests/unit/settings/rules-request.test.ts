import { expect } from "chai";
import { resolve } from "../../../settings/resolve";
import { mayNotSay, maySay } from "./cases";
import { configOf, type Tree } from "./stack";

const restore = (values: Tree) => ({ restore: { id: "monday", to: "latest", ...values } });
const cloneFrom = (values: Tree) => ({ cloneFrom: { prefix: "s3://bucket/other", ...values } });

describe("a requested restore", () => {
  mayNotSay([
    ["no id", restore({ id: undefined }), /^restore\.id: is missing/],
    ["an id with a slash", restore({ id: "a/b" }), /^restore\.id: is not a valid id of a request/],
    ["the id of a clone", restore({ id: "clone" }), /^restore\.id: is not a valid id of a request/],
    ["no target", restore({ to: undefined }), /^restore\.to: is missing \(latest/],
    [
      "a target that is none",
      restore({ to: "yesterday" }),
      /^restore\.to: is not a valid target \(latest, a time/,
    ],
    [
      "a time without a zone",
      restore({ to: "2026-11-23 15:00:00" }),
      /^restore\.to: has no zone: write it as '2026-11-23 15:00:00Z'/,
    ],
    [
      "a time that YAML has read",
      restore({ to: "2026-11-23 15:00:00 +0000 UTC" }),
      /^restore\.to: has no quotes/,
    ],
    [
      "a day that does not exist",
      restore({ to: "2026-02-30 15:00:00Z" }),
      /^restore\.to: is not a valid time/,
    ],
    ["the future", restore({ to: "2100-01-01T00:00:00Z" }), /^restore\.to: is in the future/],
    ["two targets", restore({ to: { lsn: "0/1", xid: 3 } }), /^restore\.to: is not a valid target/],
    ["an LSN that is none", restore({ to: { lsn: "0-1" } }), /^restore\.to: is not a valid target/],
    [
      "another kind of store",
      restore({ from: "gs://bucket/x/18" }),
      /^restore\.from: is another kind of store/,
    ],
    [
      "another major",
      restore({ from: "s3://bucket/x/17" }),
      /^restore\.from: is an archive of PostgreSQL 17/,
    ],
    ["a restore without backups", { backup: undefined, ...restore({}) }, /^restore: needs backup/],
    [
      "a restore and a clone",
      { ...restore({}), ...cloneFrom({}) },
      /^cloneFrom: can't be combined with restore/,
    ],
  ]);

  maySay([
    ["a time in any zone", restore({ to: "2026-01-23T15:00:00.123456+01:00" })],
    ["a time of minutes", restore({ to: "2026-01-23 15:00+01" })],
    ["an LSN", restore({ to: { lsn: "0/3000060" } })],
    ["a transaction", restore({ to: { xid: 1234 } })],
    ["a name", restore({ to: { name: "before migration" } })],
    ["an undoing without a target", restore({ to: undefined, undo: true })],
    [
      "another archive, a base backup and a timeline",
      restore({ from: "s3://b/x", backup: "base_0001", timeline: 2 }),
    ],
  ]);

  it("reaches the container as the image reads it", () => {
    const { request } = resolve(
      configOf(restore({ to: { name: "before" }, from: "s3://b/x/", keepOld: false, force: true })),
    );
    expect(request?.environment).to.deep.equal({
      RESTORE_ID: "monday",
      RESTORE_TO: "name:before",
      RESTORE_FROM: "s3://b/x/18",
      RESTORE_KEEP_OLD: "false",
      RESTORE_FORCE: "true",
    });
  });

  it("is waited for in proportion to the data", () => {
    expect(resolve(configOf({ ...restore({}), dataSize: "200Gi" })).request?.patienceMinutes).to.equal(1030);
  });
});

describe("a requested clone", () => {
  mayNotSay([
    ["no source", { cloneFrom: {} }, /^cloneFrom\.prefix: is missing/],
    [
      "the stack's own archive",
      cloneFrom({ prefix: "s3://bucket/path/18" }),
      /^cloneFrom\.prefix: is this stack's own/,
    ],
    [
      "a folder",
      cloneFrom({ prefix: "file:///var/lib/postgresql/x" }),
      /^cloneFrom\.prefix: is a folder on a volume/,
    ],
    [
      "another major",
      cloneFrom({ prefix: "s3://bucket/x/17" }),
      /^cloneFrom\.prefix: is an archive of PostgreSQL 17/,
    ],
    ["a timeline that is none", cloneFrom({ timeline: 0 }), /^cloneFrom\.timeline: must be a whole number/],
    ["a forced clone", cloneFrom({ force: true }), /^cloneFrom\.force: is not a setting/],
    ["a time without a zone", cloneFrom({ to: "2026-11-23 15:00:00" }), /^cloneFrom\.to: has no zone/],
    [
      "an endpoint for Google's store",
      cloneFrom({ prefix: "gs://b/x", endpoint: "https://x.org" }),
      /^cloneFrom\.endpoint: has no meaning/,
    ],
    [
      "half of the credentials",
      cloneFrom({ credentials: { accessKeyId: "k" } }),
      /^cloneFrom\.credentials\.secretAccessKey: is missing/,
    ],
    [
      "an identity that the pod can't have twice",
      cloneFrom({ credentials: { secretName: "reader", serviceAccountAnnotations: { a: "b" } } }),
      /^cloneFrom\.credentials\.serviceAccountAnnotations: is not a setting/,
    ],
  ]);

  maySay([
    ["only where from", cloneFrom({})],
    ["a clone in a stack without backups", { backup: undefined, ...cloneFrom({}) }],
  ]);

  it("reaches the container as the image reads it, with its store's variables apart from the stack's own", () => {
    const source = { endpoint: "https://s3.example.com", credentials: { secretName: "reader" } };
    const asked = cloneFrom({ prefix: "s3://bucket/other/18/", timeline: 2, ...source });
    const { request } = resolve(configOf(asked));
    expect(request?.environment).to.deep.equal({
      CLONE_FROM: "s3://bucket/other/18",
      CLONE_TO: "latest",
      CLONE_TIMELINE: "2",
      CLONE_AWS_ENDPOINT: "https://s3.example.com",
      CLONE_AWS_REGION: "us-east-1",
    });
    expect(request?.source?.credentials).to.deep.equal({ secretName: "reader" });
  });
});
