import { expect } from "chai";
import { rowsSeen, rowsUnseen } from "../../../review/approval";
import type { Row } from "../../../review/effects";
import { judge } from "../../../review/verdict";
import { arrow } from "../../../review/words";

const row = (effect: Row["effect"], more: Partial<Row> = {}): Row => ({
  resource: "ConfigMap postgres-conf",
  change: "`work_mem`: `4MB` → `7MB`",
  effect,
  why: "because",
  ...more,
});
const review = (...more: Row[]) => [
  judge({ stack: "prod", steps: [], more, review: undefined }, "2026-11-25"),
];
const unseen = (seen: Row[], now: Row[]) => rowsUnseen(review(...now), rowsSeen(review(...seen)));

describe("a review that somebody has approved", () => {
  it("covers what it showed, or less of it, in whatever words of why", () => {
    const [one, two] = [row("reload"), row("restart", { resource: "StatefulSet postgres" })];
    expect(unseen([one, two], [{ ...one, why: "since yesterday" }])).to.deep.equal([]);
    expect(unseen([one], [])).to.deep.equal([]);
    expect(unseen([], [])).to.deep.equal([]);
  });

  it("covers no other change, no other resource and no other effect", () => {
    const seen = row("reload");
    for (const other of [
      row("restart"),
      row("reload", { change: "`work_mem`: `5MB` → `7MB`" }),
      row("reload", { resource: "ConfigMap other" }),
    ]) {
      expect(unseen([seen], [seen, other]).map(({ effect }) => effect)).to.deep.equal([other.effect]);
      expect(unseen([], [other])).to.have.length(1);
    }
  });

  it("covers no value that differs where the table has no room to show it", () => {
    const long = (digit: string) =>
      `registry.example.com/${"a/".repeat(40)}postgres@sha256:${digit.repeat(64)}`;
    const change = (from: string, to: string) => ({ change: arrow("image", long(from), long(to)) });
    const seen = row("new image", change("0", "1"));
    expect(unseen([seen], [row("new image", change("0", "1"))])).to.deep.equal([]);
    expect(unseen([seen], [row("new image", change("2", "1"))])).to.have.length(1);
  });

  it("does not mind what the server takes no notice of", () => {
    expect(unseen([], [row("nothing")])).to.deep.equal([]);
  });

  it("minds what comes or goes: a stack whose state was lost meanwhile is not recreated unseen", () => {
    for (const change of ["created: 23 objects", "created", "deleted", "replaced: `metadata.name`"]) {
      const it = row("nothing", { change });
      expect(unseen([], [it]), change).to.have.length(1);
      expect(unseen([it], [it]), change).to.deep.equal([]);
    }
  });

  it("is one line of plain words, also without any row, so that it is never taken for none", () => {
    expect(rowsSeen(review())).to.equal("none");
    expect(rowsSeen(review(row("reload", { change: "$(id)\n`'\"" }), row("restart")))).to.match(
      /^[0-9a-f]{16} [0-9a-f]{16}$/,
    );
  });
});
