import { expect } from "chai";
import fc from "fast-check";
import { renderConf } from "../../../settings/render";

/** Reads a conf.d file as PostgreSQL's configuration lexer does: quotes doubled, backslashes escape. */
function readConf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = "", quoted = ""] = /^(\S+) = '((?:[^'\\\n]|\\.|'')*)'$/.exec(line) ?? [];
      return [name, quoted.replace(/''|\\(.)/g, (pair, escaped) => escaped ?? pair[0])];
    }),
  );
}

describe("the file for conf.d", () => {
  it("means what the settings say, whatever is in a value", () => {
    const name = fc.stringMatching(/^[a-z_]{1,20}$/);
    const value = fc
      .string({ unit: "binary" })
      .filter((text) => [...text].every((it) => it >= " " && it !== "\x7f"));
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (settings) => {
        expect(readConf(renderConf(settings))).to.deep.equal(settings);
      }),
    );
  });

  it("is the same text for the same settings in another order", () => {
    expect(renderConf({ b: "1", a: "2" })).to.equal(renderConf({ a: "2", b: "1" }));
  });

  it("can't be left by a quote or a backslash", () => {
    expect(renderConf({ a: "x' y" })).to.include("a = 'x'' y'\n");
    expect(renderConf({ a: "x\\' y" })).to.include("a = 'x\\\\'' y'\n");
  });
});
