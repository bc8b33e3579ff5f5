import { expect } from "chai";
import { renderStack } from "../../../render/mocks";
import type { Rendered } from "../../../render/record";
import { compare } from "../../../review/compare";
import { label } from "../../../review/effects";
import { readPreview } from "../../../review/preview";
import { judge, type Review } from "../../../review/verdict";
import { NOWHERE, stackSettings } from "./changes";
import { previewOf } from "./cli";
import { edited, PROGRAM_EDITS } from "./edits";

const TODAY = "2026-11-25";

/** Effects that pass by themselves; all others stop a review, unless the edit is mild. */
const HARMLESS = ["nothing", "reload", "restart", "disconnect"];

describe("an edit of the program", () => {
  let old: Rendered;
  before(async () => {
    old = await renderStack("prod", {
      config: { storageClass: undefined, access: undefined, backup: undefined, ...stackSettings(NOWHERE) },
      secrets: (plain) => `[secret ${plain}]`,
    });
  });

  for (const edit of PROGRAM_EDITS) {
    const { what, of, is, mild, commitsAlone } = edit;
    const check = ({ rows, verdict }: Review) => {
      const all = rows
        .map((row) => `${row.resource} | ${row.change} | ${label(row)} | ${row.why}`)
        .join("\n");
      expect(rows[0]?.effect, all).to.equal(is);
      expect(verdict, all).to.equal(mild || HARMLESS.includes(is) ? "ok" : "dangerous");
      expect(all).not.to.match(/nobody-may-see/);
    };

    it(`${what} (${of}) is called: ${is}, by two commits`, () => {
      check(
        judge({ stack: "prod", steps: compare(old, edited(old, edit)), review: undefined, more: [] }, TODAY),
      );
    });

    if (!commitsAlone)
      it(`${what} (${of}) is called: ${is}, by a preview of the stack`, () => {
        check(judge(readPreview("prod", previewOf(old, edited(old, edit))), TODAY));
      });
  }
});
