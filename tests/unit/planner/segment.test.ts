import { expect } from "chai";
import { planner, SYSTEM } from "./planner";

const MIB = 2 ** 20;
const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, "0");

/** A base backup that begins at a byte of the WAL, of a database with segments of so many bytes. */
const backup = (start: number, bytes: number, minute = 0, system = SYSTEM) => {
  const place = `${hex(Math.floor(start / 2 ** 32))}${hex(Math.floor((start % 2 ** 32) / bytes))}`;
  const time = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, minute, seconds)).toISOString();
  const text = JSON.stringify({
    backup_name: `base_00000001${place}`,
    start_time: time(0),
    finish_time: time(30),
    start_lsn: start,
    finish_lsn: start + 500,
    pg_version: 180006,
  });
  return `${text.slice(0, -1)},"system_identifier":${system}}`;
};

const size = (...backups: string[]) =>
  planner("segment", { "backups.json": `[${backups.join(",")}]` }, { bytes: 16 * MIB }).lines;

describe("the size of an archive's segments", () => {
  for (const mib of [1, 2, 8, 16, 32, 64, 512, 1024]) {
    it(`of ${mib} MiB follows from where base backups began`, () => {
      const bytes = mib * MIB;
      for (const start of [bytes + 40, 3 * bytes + 40, 2 ** 32 + 5 * MIB * 1024 + 40, 2 ** 40 - 40]) {
        expect(size(backup(start, bytes)), `${start}`).to.deep.equal([`bytes=${bytes}`]);
      }
    });
  }

  it("is taken to be the usual one where nothing speaks against it", () => {
    expect(size()).to.deep.equal([`bytes=${16 * MIB}`]);
    expect(size(backup(2 ** 32 + 40, 64 * MIB))).to.deep.equal([`bytes=${16 * MIB}`]);
    expect(size(backup(2 ** 32 + 40, 64 * MIB), backup(65 * MIB, 64 * MIB, 1))).to.deep.equal([
      `bytes=${64 * MIB}`,
    ]);
  });

  it("is that of the newest base backup's database", () => {
    const other = backup(40 * MIB, MIB, 0, "7000000000000000001");
    expect(size(other, backup(200 * MIB, 64 * MIB, 1))).to.deep.equal([`bytes=${64 * MIB}`]);
  });

  it("is not told where the list of base backups is not whole", () => {
    expect(planner("segment", { "backups.json": "[{" }, { bytes: 16 * MIB }).error).to.contain("is no JSON");
  });
});
