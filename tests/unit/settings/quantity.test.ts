import { expect } from "chai";
import fc from "fast-check";
import { bytes, compareQuantities, cpus, parseQuantity } from "../../../settings/quantity";

const SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

describe("a Kubernetes quantity", () => {
  const read: [string, number][] = [
    ["1.5Gi", 1610612736],
    ["500M", 500_000_000],
    ["1e9", 1_000_000_000],
    ["1E3", 1000],
    ["1e+09", 1_000_000_000],
    [".5Ki", 512],
    ["5.", 5],
    ["1024Ki", 1048576],
    ["1500m", 1],
    ["4Pi", 4 * 2 ** 50],
  ];
  for (const [text, value] of read) it(`${text} is ${value}`, () => expect(bytes(text)).to.equal(value));

  const refused = [
    "10GB",
    "-1Gi",
    "+1Gi",
    "0",
    "0.0Gi",
    "abc",
    "",
    " ",
    "1 Gi",
    " 1Gi",
    "1Gi ",
    "1e",
    "1e1Gi",
    "Gi",
    ".",
    "1,5Gi",
    "1ki",
    "1K",
    "0x10",
    "NaN",
    "Infinity",
    "1_000",
  ];
  for (const text of refused) it(`'${text}' is none`, () => expect(parseQuantity(text)).to.equal(undefined));

  it("counts CPUs in thousandths", () => {
    expect([cpus("250m"), cpus("0.1"), cpus("2"), cpus("1.5"), cpus("100000u")]).to.deep.equal([
      0.25, 0.1, 2, 1.5, 0.1,
    ]);
  });

  it("is exact where floating point is not", () => {
    expect(compareQuantities("9007199254740993", "9007199254740992")).to.equal(1);
    expect(compareQuantities("0.1Gi", "107374182.4")).to.equal(0);
    expect(compareQuantities("1Ei", "1e18")).to.equal(1);
  });

  it("means the same amount in whatever suffix it is written", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 12n), (amount) => {
        expect(compareQuantities(`${amount}Ki`, `${amount * 1024n}`)).to.equal(0);
        expect(compareQuantities(`${amount}k`, `${amount}e3`)).to.equal(0);
        expect(compareQuantities(`${amount}m`, `${amount}000u`)).to.equal(0);
      }),
    );
  });

  it("is ordered as the numbers are", () => {
    const part = fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.constantFrom(...SUFFIXES));
    fc.assert(
      fc.property(part, fc.integer({ min: 1, max: 9999 }), ([value, suffix], more) => {
        expect(compareQuantities(`${value + more}${suffix}`, `${value}${suffix}`)).to.equal(1);
        expect(compareQuantities(`${value}${suffix}`, `${value + more}${suffix}`)).to.equal(-1);
        expect(compareQuantities(`${value}.50${suffix}`, `${value}.5${suffix}`)).to.equal(0);
      }),
    );
  });

  it("never comes from text with anything else in it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (parseQuantity(text)) expect(text).to.match(/^[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]i?)?$/);
      }),
    );
  });
});
