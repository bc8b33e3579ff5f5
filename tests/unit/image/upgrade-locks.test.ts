import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";

const LIB = join(__dirname, "../../../docker-context/scripts/lib");

/** max_locks_per_transaction for 50 connections and two dumps at once of databases with so many relations. */
function locksFor(relations: number[]): number {
  const script = `set -euo pipefail; MANY_LOCKS=2000; . ${LIB}/upgrade/check.sh; cat | locks_for 50 2 -`;
  const input = relations.map((count, number) => `d${number}\t${count}\t\n`).join("");
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { input, encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  return Number(stdout);
}

describe("locks of the private servers of an upgrade", () => {
  it("are as many as a server of an ordinary database has", () => {
    expect(locksFor([100, 20_000, 3])).to.equal(2000);
  });

  it("have room for what the dumps of the largest databases lock at once, above 100,000 tables too", () => {
    for (const relations of [[150_000], [100, 700_000, 300_000, 5], [1_000_000, 1_000_000]]) {
      const most = relations
        .sort((a, b) => b - a)
        .slice(0, 2)
        .reduce((sum, count) => sum + count, 0);
      expect(locksFor(relations) * 50)
        .to.be.above(most * 1.1)
        .and.below(most * 1.3);
    }
  });
});
