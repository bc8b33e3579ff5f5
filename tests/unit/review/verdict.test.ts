import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { EFFECTS, PROTECTION, type Row, severity } from "../../../review/effects";
import { json, markdown } from "../../../review/table";
import { exitCode, judge } from "../../../review/verdict";
import { arrow } from "../../../review/words";
import { DANGEROUS } from "../../../settings/review";

const TODAY = "2026-11-25";
const row = (effect: Row["effect"], more: object = {}): Row => ({
  resource: "it",
  change: "changed",
  effect,
  why: "because",
  ...more,
});
const allow = (effect: string, until: unknown, why: unknown = "moved to the new cluster") => ({
  allow: [{ effect, until, why }],
});
const judged = (rows: Row[], review?: unknown, failure?: string) =>
  judge({ stack: "prod", steps: [], more: rows, review, ...(failure && { failure }) }, TODAY);

describe("the verdict of a review", () => {
  it("lets harmless changes through", () => {
    const rows = [
      row("nothing"),
      row("reload"),
      row("growth"),
      row("restart"),
      row("new image"),
      row("password change"),
    ];
    expect(exitCode([judged(rows)])).to.equal(0);
  });

  for (const effect of DANGEROUS.filter((it) => it !== "unknown")) {
    it(`stops at ${effect}, and lets it through where the stack's file names it`, () => {
      expect(exitCode([judged([row(effect)])])).to.equal(1);
      expect(exitCode([judged([row(effect)], allow(effect, "2026-12-31"))])).to.equal(0);
    });
  }

  it("lets less protection through that costs nothing but comfort, and ranks it above a restart", () => {
    const said = PROTECTION.filter((effect) => !DANGEROUS.some((it) => it === effect));
    expect(exitCode([judged(said.map((effect) => row(effect)))])).to.equal(0);
    for (const effect of PROTECTION)
      expect(severity({ effect }), effect).to.be.above(severity({ effect: "restart" }));
  });

  it("lets through what is only said, whatever its effect", () => {
    expect(exitCode([judged([row("backups end", { mild: true })])])).to.equal(0);
  });

  it("has a line in docs/review.md for each effect, in bold where it needs leave", () => {
    const lines = readFileSync(join(__dirname, "../../../docs/review.md"), "utf8").split("\n");
    const listed = PROTECTION.map((effect) =>
      DANGEROUS.some((it) => it === effect) ? `| **\`${effect}\`** |` : `| \`${effect}\` |`,
    );
    const found = listed.map((start) => lines.findIndex((text) => text.startsWith(start)));
    expect(found).not.to.include(-1);
    expect(found, "in the order of their severity").to.deep.equal([...found].sort((a, b) => a - b));
  });

  it("names effects in one order, whoever lists them", () => {
    const order = EFFECTS.filter((effect) => DANGEROUS.some((it) => it === effect));
    expect(order).to.deep.equal([...DANGEROUS]);
  });

  it("stops at an unknown effect where data may be lost, and says the others only", () => {
    expect(exitCode([judged([row("unknown", { data: true })])])).to.equal(1);
    expect(exitCode([judged([row("unknown")])])).to.equal(0);
    expect(exitCode([judged([row("unknown", { data: true })], allow("unknown", TODAY))])).to.equal(0);
  });

  it("a leave counts for its own effect alone", () => {
    expect(exitCode([judged([row("DELETES DATA")], allow("REPLACES THE DATABASE", "2026-12-31"))])).to.equal(
      1,
    );
  });

  it("a leave counts up to its day, and then says that it has ended", () => {
    expect(exitCode([judged([row("restore")], allow("restore", TODAY))])).to.equal(0);
    const late = judged([row("restore")], allow("restore", "2026-11-24"));
    expect(exitCode([late])).to.equal(1);
    expect(markdown([late])).to.include("the leave for it ended with 2026-11-24");
  });

  it("takes a day as YAML's own kind of date", () => {
    expect(exitCode([judged([row("restore")], allow("restore", "2026-12-31T00:00:00.000Z"))])).to.equal(0);
  });

  const wrong: [string, unknown][] = [
    ["no date", allow("restore", undefined)],
    ["a day that does not exist", allow("restore", "2026-02-30")],
    ["no reason", allow("restore", "2026-12-31", "")],
    ["an effect that needs no leave", allow("restart", "2026-12-31")],
    ["what is refused", allow("refused", "2026-12-31")],
    ["an unknown key", { allow: [], force: true }],
    ["no list", { allow: true }],
    ["text", "yes"],
  ];
  for (const [what, review] of wrong) {
    it(`is that nothing can be told where the leave has ${what}`, () => {
      const it = judged([row("restore")], review);
      expect(exitCode([it])).to.equal(2);
      expect(it.failure).to.match(/^postgres-stack:review of stack prod is wrong.*\n {2}review/);
    });
  }

  it("nobody can allow what is refused", () => {
    expect(exitCode([judged([row("refused")], allow("DELETES DATA", "2026-12-31"))])).to.equal(1);
  });

  it("of several stacks is the worst", () => {
    const [ok, dangerous, failed] = [judged([]), judged([row("restore")]), judged([], undefined, "no stack")];
    expect([exitCode([]), exitCode([ok, dangerous]), exitCode([dangerous, failed, ok])]).to.deep.equal([
      0, 1, 2,
    ]);
  });
});

describe("the table of a review", () => {
  it("has a heading for each stack and the worst first", () => {
    const text = markdown([
      judged([row("nothing"), row("DELETES DATA"), row("restart", { seconds: 3 })]),
      { ...judged([]), stack: "dev" },
    ]);
    const effects = [...text.matchAll(/^\| it \| changed \| ([^|]+) \|/gm)].map(([, effect]) => effect);
    expect(effects).to.deep.equal(["**DELETES DATA**", "restart ~3 s", "nothing"]);
    expect(text)
      .to.match(/^### prod: \*\*DELETES DATA\*\*\n/)
      .and.match(/\n### dev: no change\n$/);
  });

  it("says how a dangerous effect is allowed", () => {
    const text = markdown([judged([row("DELETES DATA"), row("DELETES DATA")])]);
    expect(text)
      .to.include("Pulumi.prod.yaml")
      .and.include("- { effect: DELETES DATA, until: <day>, why: <reason> }");
  });

  it("says who allowed it, and until when", () => {
    expect(markdown([judged([row("restore")], allow("restore", "2026-12-31"))])).to.include(
      "allowed until 2026-12-31: moved to the new cluster",
    );
  });

  it("keeps its columns whatever a value has in it", () => {
    const text = markdown([judged([row("nothing", { change: "a | b\nc <img src=x>" })])]);
    expect(text).to.include("| it | a \\| b c &lt;img src=x> | nothing | because |");
  });

  it("shortens long values, and tells two images of a registry with a long name apart", () => {
    const ref = (digit: string) =>
      `registry.example.com/${"a/".repeat(40)}postgres@sha256:${digit.repeat(64)}`;
    const text = markdown([judged([row("new image", { change: arrow("image", ref("0"), ref("1")) })])]);
    const shown = (digit: string) => `\`registry.example.com/${"a/".repeat(9)}a…${digit.repeat(40)}\``;
    expect(text).to.include(`| \`image\`: ${shown("0")} → ${shown("1")} |`);
  });

  it("shows a failure as such, with what is known all the same", () => {
    const text = markdown([judged([row("refused")], undefined, "the volume can't shrink")]);
    expect(text)
      .to.match(/this update would fail/)
      .and.match(/```text\nthe volume can't shrink\n```/)
      .and.match(/\*\*refused\*\*/);
    expect(text).not.to.include("no change");
  });

  it("is there as JSON too", () => {
    const { reviews } = JSON.parse(json([judged([row("restore")], allow("restore", "2026-12-31"))]));
    expect(reviews[0]).to.deep.include({ stack: "prod", verdict: "ok" });
    expect(reviews[0].rows[0]).to.deep.include({ effect: "restore", blocks: false });
    expect(reviews[0].rows[0].leave).to.deep.include({ until: "2026-12-31", expired: false });
  });
});
