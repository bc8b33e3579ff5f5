import { expect } from "chai";
import { lsn, SEGMENT, segmentName } from "./planner";
import { ask, type Case, full } from "./restores";

describe("the key that a restore needs", () => {
  const segments = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => segmentName(1, first + index));
  // a commit a minute: segment n ends with that of minute n
  const archive: Case = {
    backups: [full(1, 2, 2)],
    wal: [[1, 1, 1000]],
    commits: Object.fromEntries(segments(1, 1000).map((name, index) => [name, index + 1])),
  };
  const key = (more: Case, known = true) => ask("key", more, { promised: "1:2-1000" }, known);

  it("opens everything when it opens the newest segment, which is all that is read", () => {
    const answer = key({ ...archive, to: 500 }, false);
    expect([answer.verdict, answer.asked]).to.deep.equal(["open", [`${segmentName(1, 1000)}.lz4`]]);
  });

  it("does not open what a time needs when the key was changed before it, found in a few reads and without the store's times", () => {
    const closed = segments(600, 1000);
    const answer = key({ ...archive, closed, to: 600 }, false);
    expect([answer.verdict, answer.segment]).to.deep.equal(["closed", segmentName(1, 600)]);
    expect(answer.asked).to.have.length.below(15);
  });

  it("opens what a time needs when the key was changed after it", () => {
    expect(key({ ...archive, closed: segments(600, 1000), to: 599 }).verdict).to.equal("open");
    expect(key({ ...archive, closed: segments(600, 1000), to: 300 }).verdict).to.equal("open");
  });

  it("opens up to an LSN, or to the end, or not", () => {
    const closed = segments(600, 1000);
    expect(key({ ...archive, closed, to: `lsn:${lsn(599 * SEGMENT + 1)}` }).verdict).to.equal("open");
    expect(key({ ...archive, closed, to: `lsn:${lsn(600 * SEGMENT + 1)}` }).segment).to.equal(
      segmentName(1, 600),
    );
    expect(key({ ...archive, closed, to: "latest" }).segment).to.equal(segmentName(1, 1000));
    expect(key({ ...archive, closed, to: "name:x" }).verdict).to.equal("open");
  });
});
