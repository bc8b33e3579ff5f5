import { expect } from "chai";
import { renderStack } from "../../../render/mocks";
import type { Rendered } from "../../../render/record";
import { compare } from "../../../review/compare";
import { isProtection, type Row } from "../../../review/effects";
import { readPreview } from "../../../review/preview";
import type { Plan } from "../../../review/step";
import { json, markdown } from "../../../review/table";
import { judge } from "../../../review/verdict";
import { DANGEROUS } from "../../../settings/review";
import { merge, type Tree } from "../settings/stack";
import { type Change, NOWHERE, stackSettings } from "./changes";
import { previewOf } from "./cli";
import { expectRows, line } from "./expect";
import { lessProtection } from "./less";

const TODAY = "2026-11-25";

const rendered = new Map<string, Promise<Rendered>>();

/** The stack of the changes with something laid over it, rendered once: most changes are changes of the same. */
function render(...overlays: (Tree | undefined)[]): Promise<Rendered> {
  const settings = overlays.reduce<unknown>(
    (all, it) => merge(all, it ?? {}),
    stackSettings(NOWHERE),
  ) as Tree;
  const text = JSON.stringify(settings);
  const config = { storageClass: undefined, access: undefined, backup: undefined, ...settings };
  const found =
    rendered.get(text) ?? renderStack("prod", { config, secrets: (plain) => `[secret ${plain}]` });
  rendered.set(text, found);
  return found;
}

const ofCommits = (before: Rendered, after: Rendered): Plan => ({
  stack: "prod",
  steps: compare(before, after),
  review: undefined,
  more: [],
});
const live = (before: Rendered, after: Rendered): Plan => readPreview("prod", previewOf(before, after));
const rowsOf = (plan: Plan): readonly Row[] => judge(plan, TODAY).rows;
const protective = (rows: readonly Row[]) =>
  rows.filter(isProtection).map(({ mild: _, ...row }) => line(row).replace("; the stack is disposable", ""));

const GONE = { disposable: true };

/** A line of a stack's file that lets an effect through, where there may be one. */
const leaveFor = (effect: string) =>
  DANGEROUS.some((it) => it === effect) ? [{ effect, until: TODAY, why: "it is meant" }] : [];

describe("less protection", () => {
  for (const { what, before: first, config, rows, says, mild, both } of lessProtection(NOWHERE)) {
    const [effect] = rows[0] as Change["rows"][number];
    describe(`${what}: ${effect}`, () => {
      let old: Rendered;
      let now: Rendered;
      let commits: Plan;
      let found: readonly Row[];
      before(async () => {
        old = await render(first);
        now = await render(first, config);
        commits = ofCommits(old, now);
        found = rowsOf(commits);
      });

      it("is said from two commits, and stops the review unless somebody gives leave", () => {
        expectRows(found, rows);
        expect(
          found
            .filter((row) => row.effect === effect)
            .map(line)
            .join("\n"),
        ).to.match(says);
        expect(judge(commits, TODAY).verdict).to.equal(mild ? "ok" : "dangerous");
        const all = [...new Set(found.map((row) => row.effect))].flatMap((it) => leaveFor(it));
        expect(judge({ ...commits, review: { allow: all } }, TODAY).verdict).to.equal("ok");
      });

      it("is said by a preview of the stack in the same words", () => {
        expect(rowsOf(live(old, now)).map(line)).to.deep.equal(found.map(line));
      });

      it("is in the JSON and in the pull request's comment, with nobody's secrets", () => {
        const review = judge(live(old, now), TODAY);
        const [first] = JSON.parse(json([review])).reviews[0].rows;
        expect(first).to.include({ effect, blocks: !mild });
        expect(markdown([review])).to.include(`### prod: ${mild ? effect : `**${effect}`}`);
        if (!mild)
          expect(markdown([review])).to.include(`- { effect: ${effect}, until: <day>, why: <reason> }`);
        expect(markdown([review]) + json([review])).not.to.match(/nobody-may-see/);
      });

      if (!both)
        it("the other way round is none", () => {
          expect(
            protective(rowsOf(ofCommits(now, old))).filter((it) => !it.includes("RESTORE")),
          ).to.deep.equal([]);
        });

      if (config?.disposable === undefined && config?.postgres === undefined && effect !== "restore")
        it("in a disposable stack is said, and stops nothing", async () => {
          const review = judge(
            ofCommits(await render(first, GONE), await render(first, config, GONE)),
            TODAY,
          );
          expect(review.verdict).to.equal("ok");
          expect(review.rows[0]?.effect).to.equal(effect);
        });
    });
  }
});

describe("a setting that only a disposable stack may have", () => {
  for (const name of ["fsync", "full_page_writes"]) {
    it(`${name} off: a crash may break the database, and nobody's leave is needed`, async () => {
      const config = { postgres: { settings: { [name]: "off" } } };
      const review = judge(ofCommits(await render(GONE), await render(GONE, config)), TODAY);
      expect(review.rows.map(line)[0]).to.match(
        /a crash may break the database \| .*the stack is disposable$/,
      );
      expect(review.verdict).to.equal("ok");
      const back = judge(ofCommits(await render(GONE, config), await render(GONE)), TODAY);
      expect(back.rows[0]?.effect).to.equal("reload");
    });
  }

  it("synchronous_commit off is said there too, and stops nothing", async () => {
    const config = { postgres: { settings: { synchronous_commit: "off" } } };
    const review = judge(ofCommits(await render(GONE), await render(GONE, config)), TODAY);
    expect(review.rows[0]).to.include({
      effect: "acknowledged commits may be lost",
      mild: true,
      blocks: false,
    });
    expect(review.verdict).to.equal("ok");
  });
});

describe("a larger volume", () => {
  it("raises what slots may keep, which is no less protection", async () => {
    const [small, large] = [await render({ dataSize: "10Gi" }), await render({ dataSize: "40Gi" })];
    const rows = rowsOf(ofCommits(small, large));
    expect(rows.map(({ change }) => change).join()).to.include("max_slot_wal_keep_size");
    expect(protective(rows)).to.deep.equal([]);
  });
});

describe("a default that is left out", () => {
  for (const [name, value] of [
    ["synchronous_commit", "on"],
    ["synchronous_commit", "remote_write"],
    ["checkpoint_timeout", "300s"],
    ["checkpoint_timeout", "1min"],
    ["log_lock_waits", "on"],
    ["log_statement", "none"],
    ["log_parameter_max_length", "1kB"],
    ["autovacuum", "true"],
    ["ssl_min_protocol_version", "TLSv1.3"],
    ["row_security", "1"],
    ["password_encryption", "scram-sha-256"],
    ["wal_level", "logical"],
  ] as const) {
    it(`${name} ${value} is no less than none`, async () => {
      const [bare, given] = [await render(), await render({ postgres: { settings: { [name]: value } } })];
      expect(protective(rowsOf(ofCommits(bare, given)))).to.deep.equal([]);
    });
  }
});
