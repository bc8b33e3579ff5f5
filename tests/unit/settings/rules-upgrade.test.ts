import { expect } from "chai";
import { resolve } from "../../../settings/resolve";
import { mayNotSay, maySay } from "./cases";
import { configOf, type Tree } from "./stack";

const upgrade = (values: Tree) => ({ upgrade: { id: "to-19", ...values } });

describe("a requested upgrade", () => {
  mayNotSay([
    ["no id", { upgrade: { mode: "copy" } }, /^upgrade\.id: is missing/],
    ["an undoing without an id", { upgrade: { undo: true } }, /^upgrade\.id: is missing/],
    [
      "a mode without an id, beside a reindexing",
      { upgrade: { reindexCollations: true, mode: "copy" } },
      /^upgrade\.id: is missing .*only reindexCollations: true can stand alone/,
    ],
    [
      "leave to force a reindexing, which is no request",
      { upgrade: { reindexCollations: true, force: true } },
      /^upgrade\.id: is missing/,
    ],
    ["an id with a slash", upgrade({ id: "a/b" }), /^upgrade\.id: is not a valid id of a request/],
    ["another mode", upgrade({ mode: "move" }), /^upgrade\.mode: must be one of: link, clone, copy$/],
    [
      "swap",
      upgrade({ mode: "swap" }),
      /^upgrade\.mode: must be one of: link, clone, copy \(swap .*it leaves neither\)/,
    ],
    [
      "to keep what link makes its own",
      upgrade({ keepOld: true }),
      /^upgrade\.keepOld: keeps nothing with mode: link/,
    ],
    [
      "an age that is none",
      upgrade({ backupMaxAge: "1h" }),
      /^upgrade\.backupMaxAge: must be a whole number of seconds/,
    ],
    ["an upgrade without backups", { backup: undefined, ...upgrade({}) }, /^upgrade: needs backup/],
    [
      "an upgrade and a restore",
      { ...upgrade({}), restore: { id: "monday", to: "latest" } },
      /^upgrade: can't be combined with restore \(one request at a time/,
    ],
    [
      "an upgrade and a clone",
      { ...upgrade({}), cloneFrom: { prefix: "s3://bucket/other" } },
      /^upgrade: can't be combined with cloneFrom \(one request at a time/,
    ],
    [
      "a mistyped key",
      upgrade({ keepold: true }),
      /^upgrade\.keepold: is not a setting \(did you mean keepOld\?\)/,
    ],
  ]);

  maySay([
    ["only an id", upgrade({})],
    ["an id that reads like a number", upgrade({ id: 19 })],
    ["a copy that keeps the old data", upgrade({ mode: "copy", keepOld: true, backupMaxAge: 0 })],
    ["an undoing", upgrade({ undo: true })],
    ["a reindexing alone, without backups", { backup: undefined, upgrade: { reindexCollations: true } }],
    [
      "a reindexing beside a restore",
      { upgrade: { reindexCollations: true }, restore: { id: "monday", to: "latest" } },
    ],
  ]);

  const request = (overlay: Tree) => resolve(configOf(overlay)).request;

  it("reaches the container as the image reads it", () => {
    expect(request(upgrade({}))).to.deep.equal({
      command: "upgrade.sh",
      environment: { PG_UPGRADE: "to-19", PG_UPGRADE_MODE: "link", PG_UPGRADE_BACKUP_MAX_AGE: "3600" },
      patienceMinutes: 130,
    });
    const given = { mode: "clone", keepOld: true, backupMaxAge: 60, undo: true, force: true };
    const all = { ...given, reindexCollations: true };
    expect(request(upgrade(all))?.environment).to.deep.equal({
      PG_UPGRADE: "to-19",
      PG_UPGRADE_MODE: "clone",
      PG_UPGRADE_KEEP_OLD: "true",
      PG_UPGRADE_BACKUP_MAX_AGE: "60",
      PG_UPGRADE_UNDO: "true",
      PG_UPGRADE_FORCE: "true",
      PG_REINDEX_COLLATIONS: "true",
    });
  });

  it("is not made where only a reindexing is allowed: that is nothing to check before, or to report", () => {
    expect(request({ upgrade: { reindexCollations: true } })).to.deep.equal({
      environment: { PG_REINDEX_COLLATIONS: "true" },
      patienceMinutes: 130,
    });
    expect(request({})).to.equal(undefined);
  });
});
