import { expect } from "chai";
import fc from "fast-check";
import { claimSize, walRoom } from "../../../settings/volume";

describe("the volume", () => {
  const sizes: [string, string][] = [
    ["1Gi", "2560Mi"],
    ["2Gi", "5120Mi"],
    ["20Gi", "51200Mi"],
    ["1G", "2385Mi"],
    ["0.3Gi", "768Mi"],
    ["257Mi", "643Mi"],
    ["1Pi", "2684354560Mi"],
  ];
  for (const [data, claim] of sizes) {
    it(`for ${data} of data is ${claim}`, () => expect(claimSize(data)).to.equal(claim));
  }

  it("is at least 2.5 times the data, and less than one Mi more", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 62n), (data) => {
        const twice = 2n * BigInt(claimSize(String(data)).replace("Mi", "")) * 2n ** 20n;
        expect(twice >= data * 5n && twice < data * 5n + 2n ** 21n).to.equal(true);
      }),
    );
  });

  it("keeps half of the data's size for WAL", () => expect(walRoom("20Gi")).to.equal(10 * 2 ** 30));
});
