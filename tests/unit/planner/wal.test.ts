import { spawnSync } from "node:child_process";
import { expect } from "chai";
import fc from "fast-check";
import { listing, PLANNER, planner, SEGMENT, segmentName } from "./planner";

const wal = (input: string, bytes = SEGMENT) => planner("wal", {}, { segment_bytes: bytes }, input);
const stored = (names: string[]) => listing(names.map((name) => [name, 65000]));

describe("the list of WAL", () => {
  it("becomes ranges, by timeline and by what the names end in; anything else is left out", () => {
    const names = [1, 2, 3, 5, 6].map((n) => `${segmentName(1, n)}.lz4`);
    const others = [`${segmentName(1, 7)}.zst`, `${segmentName(2, 255)}.lz4`, `${segmentName(2, 256)}.lz4`];
    const noise = [`${segmentName(1, 9)}.partial`, `${segmentName(1, 2)}.00000028.backup.lz4`, "junk.lz4"];
    expect(wal(stored([...names, ...others, "00000002.history.lz4", ...noise])).lines).to.deep.equal([
      "range 1 1 3 .lz4",
      "range 1 5 6 .lz4",
      "range 1 7 7 .zst",
      "range 2 255 256 .lz4",
      "history 2",
    ]);
    expect(wal(stored([segmentName(1, 1)])).lines).to.deep.equal(["range 1 1 1 "]);
    expect(wal(stored([])).lines).to.deep.equal([]);
  });

  it("is an error when it is none, or of segments of another size", () => {
    for (const input of ["", "ERROR: 2026/11/27 no answer\n", "obj 1 2 3 4\n"])
      expect(wal(input).code).to.equal(1);
    expect(wal(stored([`${segmentName(1, 255)}.lz4`]), 4 * SEGMENT).error).to.contain(
      "is not one of 67108864 bytes",
    );
  });

  it("in any order holds each segment once", function () {
    this.timeout("1m");
    const segment = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 60 }), (segments) => {
        const names = segments.map(([timeline, number]) => `${segmentName(timeline, number)}.lz4`);
        const found = wal(stored(names)).lines.flatMap((line) => {
          const [, timeline, first, last] = line.split(" ").map(Number) as [number, number, number, number];
          return Array.from(
            { length: last - first + 1 },
            (_, n) => `${segmentName(timeline, first + n)}.lz4`,
          );
        });
        expect(found).to.have.members([...new Set(names)]);
      }),
      { numRuns: 40 },
    );
  });

  it("of 300,000 segments is read in less than 64 MiB", function () {
    this.timeout("1m");
    const list = `print "type size last modified name\\n"; printf "obj 1 2026-11-27 10:09:32 +0000 UTC %08X%08X%08X.lz4   \\n", 1, $_ / 256, $_ % 256 for 1 .. 300_000`;
    const script = `set -e -o pipefail; perl -e '${list}' | (ulimit -v 65536; perl ${PLANNER} wal /tmp segment_bytes=${SEGMENT})`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(status, stderr).to.equal(0);
    expect(stdout).to.equal("range 1 1 300000 .lz4\n");
  });
});
