import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { gucNumber } from "../../../settings/guc-values";
import { findGuc, type Guc, gucNames, needsRestart } from "../../../settings/gucs";
import { READ_GUCS } from "../../../settings/gucs/generate";
import { resolve } from "../../../settings/resolve";
import { hasServer, run, withFolder } from "./server";
import { configOf } from "./stack";

/** What the embedded build lacks (lz4, zstd, io_uring): its enums offer less than the image's. */
const BUILD_DEPENDENT = ["default_toast_compression", "io_method", "wal_compression"];

/** Newer than the embedded minor version. */
const NEWER = ["output_plugin_libraries"];

describe("the table of PostgreSQL's settings", () => {
  it("says what a real server of the major says", function () {
    if (!hasServer()) this.skip();
    const lines = withFolder((folder) => run(READ_GUCS, join(folder, "data")))
      .trim()
      .split("\n");
    const server = lines.map((line) => JSON.parse(line) as Guc);
    const table = gucNames.filter((name) => !NEWER.includes(name)).map((name) => findGuc(name));
    expect(server.map(({ name }) => name)).to.have.members(table.map((guc) => guc?.name));
    for (const guc of server) {
      const known = findGuc(guc.name);
      if (!BUILD_DEPENDENT.includes(guc.name)) expect(known).to.deep.equal(guc);
      else expect(known?.values).to.include.members([...(guc.values ?? [])]);
    }
  });

  it("knows what needs a restart, and takes an unknown extension's setting for one that does", () => {
    const restart = [
      "shared_buffers",
      "max_connections",
      "wal_buffers",
      "huge_pages",
      "pg_stat_statements.max",
      "x.y",
    ];
    const reload = [
      "work_mem",
      "max_wal_size",
      "log_min_duration_statement",
      "autovacuum_naptime",
      "auto_explain.log_min_duration",
    ];
    expect(restart.filter((name) => !needsRestart(name))).to.deep.equal([]);
    expect(reload.filter(needsRestart)).to.deep.equal([]);
  });

  it("finds a name in any case, as PostgreSQL does", () => {
    expect(findGuc("DATESTYLE")?.name).to.equal("DateStyle");
    expect(findGuc("nothing")).to.equal(undefined);
  });
});

describe("the rendered settings", () => {
  const machines = [
    { dataSize: "256Mi", postgres: { memory: "256Mi", cpu: "100m" } },
    {
      dataSize: "20Gi",
      postgres: { memory: "4Gi", cpu: "2", settings: { "my.text": "it's \\ 100 % {safe}" } },
    },
    { dataSize: "10Ti", postgres: { memory: "1Ti", cpu: "128" } },
  ];
  for (const machine of machines) {
    it(`are what PostgreSQL reads with ${machine.postgres.memory} and ${machine.postgres.cpu} CPUs`, function () {
      if (!hasServer()) this.skip();
      const { conf, settings } = resolve(configOf(machine)).postgres;
      withFolder((folder) => {
        writeFileSync(join(folder, "postgresql.conf"), conf);
        for (const [name, value] of Object.entries(settings)) {
          const guc = findGuc(name);
          const read = run('postgres -D "$1" -C "$2"', folder, name).trimEnd();
          expect(guc ? Number(read) : read, name).to.equal(guc ? gucNumber(guc, value) : value);
        }
      });
    });
  }
});
