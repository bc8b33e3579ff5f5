import { expect } from "chai";
import { table } from "../../../bench/table";
import { timesTable } from "../../../bench/times";

describe("a benchmark's table", () => {
  it("is Markdown", () => {
    const rows = [
      ["preview", "2 s"],
      ["up", "20 s"],
    ];
    expect(table(["what", "measured"], rows)).to.equal(
      "| what | measured |\n|---|---|\n| preview | 2 s |\n| up | 20 s |",
    );
  });

  it("of phases has medians, and of the total the least and the most", () => {
    const times = [
      { fetch: 1, rest: 1, total: 2 },
      { fetch: 3, rest: 1, total: 4 },
    ];
    const rows = [
      { name: "this", times, more: ["1.5"] },
      { name: "other", times: [{ rest: 3, total: 3 }], more: ["1"] },
    ];
    expect(timesTable({ fetch: /fetched/ }, rows, ["ratio"]).split("\n")).to.deep.equal([
      "| seconds | fetch | rest | total | ratio |",
      "|---|---|---|---|---|",
      "| this | 2.0 | 1.0 | 3.0 (2.0 to 4.0) | 1.5 |",
      "| other |  | 3.0 | 3.0 (3.0 to 3.0) | 1 |",
    ]);
  });
});
