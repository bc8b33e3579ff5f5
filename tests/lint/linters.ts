import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { skip } from "../lib/skip";
import { root } from "./files";

/** The path of a linter for shell scripts or the Dockerfile. */
export const linter = (name: string) => join(root, ".local/lint/bin", name);

/** Installs these linters before the tests of a `describe`, which count as skipped where that can't be. */
export function withLinters(): void {
  before("install the linters", function () {
    this.timeout(120_000);
    const { status, stderr } = spawnSync("local/lint-tools", { cwd: root, encoding: "utf8" });
    if (status === 3) skip(this, "the shell linters need python3 with pip");
    expect(status, stderr).to.equal(0);
  });
}
