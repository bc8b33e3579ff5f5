import { readFileSync } from "node:fs";
import { expect } from "chai";
import { readPreview } from "../../../review/preview";
import { markdown } from "../../../review/table";
import { judge, type Review } from "../../../review/verdict";
import { changes, NOWHERE } from "./changes";
import { expectRows } from "./expect";
import { fileOf } from "./recorded";

/** The review of what the Pulumi CLI once said about a change, on a real cluster. */
function review(what: string): Review {
  return judge(readPreview("database", readFileSync(fileOf(what), "utf8")), "2026-11-25");
}

describe("a recorded preview", () => {
  it("without a change has no row", () => {
    expect(review("nothing")).to.deep.equal({ stack: "database", verdict: "ok", rows: [] });
  });

  for (const { what, rows, live = rows, refusal } of changes(NOWHERE)) {
    it(`${what}: ${refusal ? "refused" : (live[0]?.[0] ?? "no row")}`, () => {
      const said = review(what);
      if (refusal) {
        expect(said.verdict).to.equal("failed");
        expect(said.failure).to.match(refusal);
      } else {
        expectRows(said.rows, live);
        expect(said.failure).to.equal(undefined);
      }
      expect(markdown([said])).not.to.match(/nobody-may-see/);
    });
  }
});
