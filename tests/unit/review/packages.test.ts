import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { packageRows } from "../../../review/packages";
import { judge } from "../../../review/verdict";

/** The verdict on an update that has another version of a package. */
function verdict(name: string, before: string | undefined, after: string | undefined): string {
  const folders = [before, after].map((version) => {
    const folder = mkdtempSync(join(tmpdir(), "packages-"));
    const packages = version === undefined ? {} : { [`node_modules/${name}`]: { version } };
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages }));
    return folder;
  });
  const [from = "", to = ""] = folders;
  const more = packageRows(from, to);
  for (const folder of folders) rmSync(folder, { recursive: true });
  expect(more[0]?.effect).to.equal("unknown");
  return judge({ stack: "prod", steps: [], review: undefined, more }, "2026-11-25").verdict;
}

describe("another version in the lock file", () => {
  it("needs leave where it is a provider's next major, or another provider", () => {
    expect(verdict("@pulumi/kubernetes", "4.32.0", "5.0.0")).to.equal("dangerous");
    expect(verdict("@pulumi/random", "4.19.0", "3.0.0")).to.equal("dangerous");
    expect(verdict("@pulumi/docker", undefined, "5.2.0")).to.equal("dangerous");
  });

  it("is said, and passes, where it is less", () => {
    expect(verdict("@pulumi/kubernetes", "4.32.0", "4.33.0")).to.equal("ok");
    expect(verdict("zod", "4.0.0", "5.0.0")).to.equal("ok");
  });
});
