import { expect } from "chai";
import { backupList, planner, SEGMENT, SYSTEM } from "./planner";

const BACKUP = { timeline: 1, segment: 3, minute: 1 };
const NAME = "base_000000010000000000000003";

function proof(
  parts: [string, number][],
  { bytes = 300, finish = 3 * SEGMENT + 500, segment = SEGMENT } = {},
) {
  const [entry] = JSON.parse(
    backupList([BACKUP]).replace(/"system_identifier":(\d+)/, '"system_identifier":"$1"'),
  );
  const list = JSON.stringify([{ ...entry, finish_lsn: finish, compressed_size: bytes }]);
  const listing = parts.map(([name, size]) => `obj  ${size}  2026-11-27 10:20:28 +0000 UTC ${name}   `);
  const files = {
    "backups.json": list,
    parts: ["type size last modified name", ...listing, ""].join("\n"),
  };
  return planner("proof", files, { name: NAME, segment_bytes: segment });
}

const WHOLE: [string, number][] = [
  ["backup_label.tar.lz4", 100],
  ["part_001.tar.lz4", 100],
  ["part_002.tar.lz4", 100],
  ["pg_control.tar.lz4", 8],
];

describe("a base backup", () => {
  it("that is whole has a manifest of its parts, and the WAL that makes it consistent", () => {
    const { code, lines, error } = proof(WHOLE, { finish: 5 * SEGMENT });
    expect(code, error).to.equal(0);
    expect(lines.slice(0, 2)).to.deep.equal([
      "segment 000000010000000000000003",
      "segment 000000010000000000000004",
    ]);
    expect(JSON.parse(lines[2]?.replace("manifest ", "") ?? "")).to.deep.equal({
      name: NAME,
      parts: WHOLE,
      first: "000000010000000000000003",
      last: "000000010000000000000004",
      timeline: 1,
      system: SYSTEM,
    });
  });

  it("counts segments of another size", () => {
    const { lines } = proof(WHOLE, { segment: 2 ** 20, finish: 3 * SEGMENT + 1 });
    expect(lines[0]).to.equal("segment 000000010000000000000030");
    expect(lines[1]).to.match(/^manifest /);
  });

  it("without one of its parts is none, whichever it is, and one that is cut short at its end too", () => {
    for (const [index, [name]] of WHOLE.entries()) {
      const { code, error } = proof(WHOLE.filter((_, other) => other !== index));
      expect(code, name).to.equal(1);
      expect(error).to.match(/its part \w+ is missing|its parts have \d+ bytes, and 300 were sent/);
    }
    expect(proof([]).code).to.equal(1);
  });

  it("with an empty part is none", () => {
    const parts = WHOLE.map(([name, size]): [string, number] => [
      name,
      name.startsWith("part_001") ? 0 : size,
    ]);
    expect(proof(parts, { bytes: 1 }).error).to.contain("part_001 is empty");
  });
});
