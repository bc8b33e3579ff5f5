import { expect } from "chai";
import fc from "fast-check";
import { fieldsOf, listing, planner } from "./planner";

const NAME = "base_000000010000000000000002";
const PARTS: [string, number][] = [
  ["backup_label.tar.lz4", 373],
  ["part_001.tar.lz4", 4000],
  ["part_002.tar.lz4", 5000],
  ["pg_control.tar.lz4", 394],
];
const folder = (parts: [string, number][]) =>
  listing([
    ["files_metadata.json", 1000],
    ["metadata.json", 300],
    ...parts.map(([name, bytes]): [string, number] => [`/tar_partitions/${name}`, bytes]),
  ]);
const without = (name: string) => PARTS.filter(([part]) => part !== name);

/** WAL-G's list of files and parts, with whatever names of files. */
const metadata = (files: string[]) => {
  const file = { IsIncremented: false, IsSkipped: false, MTime: "2026-11-27T10:09:29Z", UpdatesCount: 0 };
  const TarFileSets = Object.fromEntries(
    PARTS.map(([part], index) => [part, files.filter((_, n) => n % 4 === index)]),
  );
  return JSON.stringify({
    Files: Object.fromEntries(files.map((name) => [name, file])),
    TarFileSets,
    DatabasesByNames: { "a{b": { oid: 5, tables: {} } },
  });
};
const SENTINEL = JSON.stringify({ LSN: 1, FilesMetadataDisabled: true, CompressedSize: 9767 });
const manifest = (parts: [string, number][]) =>
  `${JSON.stringify({ name: NAME, parts, first: "x", last: "x", timeline: 1 })}\n`;

function problem(
  source: string,
  parts: [string, number][],
  files: Record<string, string>,
  input = "",
): string {
  const answer = planner("parts", { parts: folder(parts), ...files }, { backup: NAME, source }, input);
  expect(answer.code, answer.error).to.equal(0);
  return fieldsOf(answer.lines).problem as string;
}

describe("a base backup is whole", () => {
  const sources: Record<string, (parts: [string, number][]) => string> = {
    manifest: (parts) => problem("manifest", parts, { manifest: manifest(PARTS) }),
    metadata: (parts) => problem("metadata", parts, {}, metadata(["/base/1/1", "/base/1/2", "/base/1/3"])),
    sentinel: (parts) => problem("sentinel", parts, { sentinel: SENTINEL }),
  };
  for (const [source, ask] of Object.entries(sources)) {
    it(`by its ${source} when every part is there, and not when one is missing`, () => {
      expect(ask(PARTS)).to.equal("");
      expect(ask(without("part_001.tar.lz4"))).to.match(/is damaged: its part part_001\S* is missing/);
      expect(ask(without("pg_control.tar.lz4"))).to.match(/is damaged: its part/);
      expect(ask([])).to.match(/is damaged/);
    });
  }

  it("not when a part has another size than it was stored with", () => {
    const cut = PARTS.map(([name, bytes]): [string, number] => [
      name,
      name.startsWith("part_002") ? 17 : bytes,
    ]);
    expect(problem("manifest", cut, { manifest: manifest(PARTS) })).to.contain(
      "its part part_002.tar.lz4 has 17 bytes, not 5000",
    );
    expect(problem("sentinel", cut, { sentinel: SENTINEL })).to.contain(
      "its parts have 4784 bytes, and 9767 were sent",
    );
  });

  it("not without its last part, which no numbering shows", () => {
    expect(problem("sentinel", without("part_002.tar.lz4"), { sentinel: SENTINEL })).to.contain(
      "its parts have 4767 bytes",
    );
  });

  it("not when a list that it should have is missing, empty or cut short", () => {
    expect(problem("sentinel", PARTS, { sentinel: "{}" })).to.contain("files_metadata.json, is missing");
    for (const none of ["", "{}", "[]", "null", '{"TarFileSets":{}}']) {
      expect(problem("metadata", PARTS, {}, none), none).to.contain("ends early, or is none");
    }
  });

  it("by another source when its manifest is cut short, which says nothing of the base backup", () => {
    for (const torn of [manifest(PARTS).slice(0, 60), "{}\n", '{"parts":[]}\n', '{"parts":["a"]}\n']) {
      const files = { parts: folder(PARTS), manifest: torn };
      const { lines } = planner("parts", files, { backup: NAME, source: "manifest" });
      expect(lines).to.deep.equal(["unreadable=true"]);
    }
  });

  it("not by the first half of WAL-G's list, wherever that is cut, whatever the files are called", function () {
    this.timeout("1m");
    const name = fc.string({ unit: "grapheme", maxLength: 12 });
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 4, maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (files, where) => {
          const text = metadata(files);
          const bytes = Buffer.from(text);
          const cut = bytes.subarray(0, Math.floor(where * (bytes.length - 1))).toString("latin1");
          expect(problem("metadata", PARTS, {}, text)).to.equal("");
          expect(problem("metadata", PARTS, {}, cut)).to.contain("ends early, or is none");
        },
      ),
      { numRuns: 25 },
    );
  });

  it("not by a list of its folder that is none", () => {
    const answer = planner("parts", { parts: "" }, { backup: NAME, source: "manifest" });
    expect([answer.code, answer.lines]).to.deep.equal([1, []]);
  });
});
