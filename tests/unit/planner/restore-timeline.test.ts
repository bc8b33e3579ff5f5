import { expect } from "chai";
import { planner } from "./planner";
import { request } from "./restores";

describe("the timeline of a restore", () => {
  const wal = "range 1 1 5 .lz4\nrange 2 5 9 .lz4\nhistory 2\nhistory 3\nrange 3 4 8 .lz4\n";
  const LATEST = { ...request({ backups: [] }) };
  const chosen = (more: Record<string, string>, fields: Record<string, string> = {}) =>
    planner("restore", { "backups.json": "[]", wal, ...more }, { ...LATEST, ...fields });

  it("is the one that is named, else that of the data, else that which the archive says lives, else the newest", () => {
    const live = { "live.json": '{"timeline":2,"uuid":"x","at":1}\n' };
    expect(chosen(live, { by_name: "1", live: "3" }).lines).to.include("timeline=1");
    expect(chosen(live, { live: "3" }).lines).to.deep.equal(["timeline=3", "history=archive"]);
    expect(chosen(live).lines).to.deep.equal(["timeline=2", "history=archive"]);
    expect(chosen({ "live.json": "" }).lines).to.deep.equal(["timeline=3", "history=archive"]);
    expect(chosen({}).lines).to.deep.equal(["timeline=3", "history=archive"]);
  });

  it("is not guessed when the archive's word can't be read, but may be named", () => {
    const torn = { "live.json": '{"timeline":2' };
    expect(chosen(torn).error).to.contain("name the one that is meant with RESTORE_TIMELINE");
    expect(chosen(torn, { by_name: "2" }).lines).to.deep.equal(["timeline=2", "history=archive"]);
  });

  it("has its history in the archive, on the volume or nowhere; an archive without WAL has none", () => {
    expect(chosen({ local: "00000004.history 5.5\n" }, { live: "4" }).lines).to.deep.equal([
      "timeline=4",
      "history=local",
    ]);
    expect(chosen({}, { by_name: "7" }).lines).to.deep.equal(["timeline=7", "history=none"]);
    expect(chosen({ wal: "" }).lines).to.deep.equal(["problem=the archive holds no WAL"]);
  });
});
