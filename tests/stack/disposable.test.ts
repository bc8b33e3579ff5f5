import { expect } from "chai";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("a stack that is disposable", function () {
  this.timeout("5m");
  const stack = withStack("chosen", { ...SMALL, disposable: true });
  const claim = () => stack.get("pvc/postgres-data", ".metadata.uid} {.metadata.deletionTimestamp");

  it("keeps its volume with its data when it is to be kept, and when it is disposable again", async () => {
    await stack.up();
    await stack.sql("CREATE TABLE note AS SELECT 'kept' AS text");
    const before = await claim();
    for (const disposable of [false, true]) {
      stack.set({ disposable });
      await stack.up();
      expect(await claim()).to.equal(before);
      expect(await stack.sql("SELECT text FROM note")).to.equal("kept");
      const preview = await stack.pulumi(["preview", "--expect-no-changes"]);
      expect(preview.code, preview.stdout).to.equal(0);
    }
  });
});
