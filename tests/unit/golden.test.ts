import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { goldenFile, goldenText, STACKS } from "../golden/golden";

describe("the resources of a stack", () => {
  for (const stack of STACKS) {
    it(`${stack}: are those that were reviewed (after a wanted change: make golden)`, async () => {
      expect(existsSync(goldenFile(stack)), `${goldenFile(stack)} exists`).to.equal(true);
      expect(await goldenText(stack)).to.equal(readFileSync(goldenFile(stack), "utf8"));
    });
  }
});
