import { expect } from "chai";
import { renderStack } from "../../../render/mocks";
import type { Rendered } from "../../../render/record";
import { compare } from "../../../review/compare";
import { impact } from "../../../review/impact";
import type { Step } from "../../../review/step";
import { merge, type Tree } from "../settings/stack";
import { changes, NOWHERE, stackSettings } from "./changes";
import { expectRows, line } from "./expect";

const rowsOf = (steps: readonly Step[]) => impact({ stack: "prod", steps, review: undefined, more: [] });

/** The stack of the changes with something laid over it; of prod's own file nothing is left. */
function render(overlay: Tree = {}): Promise<Rendered> {
  const settings = merge(stackSettings(NOWHERE), overlay) as Tree;
  const config = { storageClass: undefined, access: undefined, ...settings };
  return renderStack("prod", { config, secrets: (plain) => `[secret ${plain}]` });
}

describe("two versions of a stack, compared without a cluster", () => {
  let old: Rendered;
  before(async () => {
    old = await render();
  });

  it("that are the same have no step at all", async () => {
    expect(compare(old, await render())).to.deep.equal([]);
  });

  for (const { what, config, rows } of changes(NOWHERE).filter((change) => change.config)) {
    it(`${what}: ${rows[0]?.[0]}`, async () => {
      const found = rowsOf(compare(old, await render(config)));
      expectRows(found, rows);
      expect(found.map(line).join("\n")).not.to.match(/nobody-may-see/);
    });
  }
});
