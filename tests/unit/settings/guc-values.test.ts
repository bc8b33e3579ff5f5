import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { gucBytes, gucNumber, gucProblem, renderBytes } from "../../../settings/guc-values";
import { type Guc, gucsOf } from "../../../settings/gucs";
import { skip } from "../../lib/skip";
import { hasServer, run, withFolder } from "./server";

const guc = (name: string): Guc => gucsOf(18).find(name) as Guc;

describe("a value for PostgreSQL", () => {
  const numbers: [string, string, number][] = [
    ["shared_buffers", "128MB", 16384],
    ["shared_buffers", "16384", 16384],
    ["work_mem", "1.5GB", 1572864],
    ["work_mem", "64 kB", 64],
    ["max_wal_size", "1GB", 1024],
    ["max_wal_size", "1TB", 1048576],
    ["checkpoint_timeout", "5min", 300],
    ["statement_timeout", "1min", 60000],
    ["statement_timeout", "1.5 s", 1500],
    ["statement_timeout", "1d", 86400000],
    ["log_min_duration_statement", "-1", -1],
    ["random_page_cost", "1.1", 1.1],
    ["random_page_cost", "1e1", 10],
    ["vacuum_cost_delay", "500us", 0.5],
    ["log_file_mode", "0600", 384],
    ["log_file_mode", "0x180", 384],
    ["track_activity_query_size", "4kB", 4096],
    ["max_connections", "100.4", 100],
  ];
  for (const [name, text, value] of numbers) {
    it(`${name} = ${text} is ${value}`, () => expect(gucNumber(guc(name), text)).to.be.closeTo(value, 1e-9));
  }

  const wrong: [string, string, RegExp][] = [
    ["work_mem", "64XB", /invalid value for parameter "work_mem": "64XB" .*B, kB, MB, GB, TB/],
    ["work_mem", "64mb", /invalid value/],
    [
      "work_mem",
      "63kB",
      /63 kB is outside the valid range for parameter "work_mem" \(64 kB \.\. 2147483647 kB\)/,
    ],
    ["work_mem", "3TB", /outside the valid range/],
    ["work_mem", "", /invalid value/],
    ["statement_timeout", "5 minutes", /invalid value .*us, ms, s, min, h, d/],
    ["statement_timeout", "10MB", /invalid value/],
    ["max_connections", "100MB", /invalid value .*a number/],
    ["max_connections", "many", /invalid value/],
    ["log_file_mode", "089", /invalid value/],
    ["jit", "perhaps", /requires a Boolean value/],
    ["wal_level", "maximal", /available values: minimal, replica, logical/],
    ["random_page_cost", "-1", /outside the valid range/],
  ];
  for (const [name, text, message] of wrong) {
    it(`${name} = '${text}' is refused`, () => expect(gucProblem(guc(name), text)).to.match(message));
  }

  const right: [string, string][] = [
    ["jit", "off"],
    ["jit", "TRUE"],
    ["wal_level", "Logical"],
    ["ssl_min_protocol_version", "TLSv1.3"],
    ["log_line_prefix", "%m it's \\ any text"],
  ];
  for (const [name, text] of right) {
    it(`${name} = '${text}' is accepted`, () => expect(gucProblem(guc(name), text)).to.equal(undefined));
  }

  it("is read and refused as a real server does", function () {
    if (!hasServer()) skip(this, "there is no PostgreSQL server for this machine");
    withFolder((folder) => {
      writeFileSync(join(folder, "postgresql.conf"), "");
      const read = (name: string, text: string) =>
        run('postgres -D "$1" -c "$2=$3" -C "$2"', folder, name, text);
      for (const [name, text, value] of numbers) {
        expect(Number(read(name, text)), `${name} = ${text}`).to.be.closeTo(value, 1e-9);
      }
      for (const [name, text] of wrong) expect(() => read(name, text), `${name} = ${text}`).to.throw();
    });
  }).slow(2000);

  it("in bytes survives being rendered and read again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 2 ** 31 - 1 }), (kilobytes) => {
        expect(gucBytes(guc("work_mem"), renderBytes(kilobytes * 1024))).to.equal(kilobytes * 1024);
      }),
    );
  });

  it("is rendered in the largest unit without a fraction", () => {
    expect([2 ** 30, 3 * 2 ** 29, 1536 * 1024, 100].map(renderBytes)).to.deep.equal([
      "1GB",
      "1536MB",
      "1536kB",
      "100B",
    ]);
  });
});
