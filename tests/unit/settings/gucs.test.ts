import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { gucNumber } from "../../../settings/guc-values";
import { type Guc, gucsOf } from "../../../settings/gucs";
import { READ_GUCS, readImage } from "../../../settings/gucs/generate";
import { MAJORS, type Major } from "../../../settings/major";
import { resolve } from "../../../settings/resolve";
import { skip } from "../../lib/skip";
import { hasServer, run, withFolder } from "./server";
import { configOf } from "./stack";

/** What some builds lack (lz4, zstd, io_uring): their enums offer less than the official image's. */
const BUILD_DEPENDENT = ["default_toast_compression", "io_method", "wal_compression"];

/** Came with a minor version: a server may be older than that. */
const NEWER = ["output_plugin_libraries"];

/** What a real server of the major prints, line by line: npm's, else a base image of this environment; else none. */
function serverOf(major: Major): string[] | undefined {
  if (hasServer() && run("postgres --version").includes(` ${major}.`))
    return withFolder((folder) => run(READ_GUCS, join(folder, "data")).trim().split("\n"));
  const image = process.env[`BASE_IMAGE_${major}`];
  return image ? readImage(image).lines : undefined;
}

describe("the table of PostgreSQL's settings", () => {
  for (const major of MAJORS) {
    it(`says what a real server of PostgreSQL ${major} says`, function () {
      this.timeout("2m");
      const server = serverOf(major)?.map((line) => JSON.parse(line) as Guc);
      if (server === undefined) skip(this, "there is no PostgreSQL server of this major for this machine");
      const gucs = gucsOf(major);
      const older = (name: string) => !NEWER.includes(name) || server.some((guc) => guc.name === name);
      expect(server.map(({ name }) => name)).to.have.members(gucs.names.filter(older));
      for (const guc of server) {
        const known = gucs.find(guc.name);
        if (!BUILD_DEPENDENT.includes(guc.name)) expect(known).to.deep.equal(guc);
        else expect(known?.values).to.include.members([...(guc.values ?? [])]);
      }
    });
  }

  it("knows what needs a restart, and takes an unknown extension's setting for one that does", () => {
    const needsRestart = (name: string) => gucsOf(18).needsRestart(name);
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
    expect(gucsOf(18).find("DATESTYLE")?.name).to.equal("DateStyle");
    expect(gucsOf(18).find("nothing")).to.equal(undefined);
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
      if (!hasServer()) skip(this, "there is no PostgreSQL server for this machine");
      const { conf, settings } = resolve(configOf(machine)).postgres;
      withFolder((folder) => {
        writeFileSync(join(folder, "postgresql.conf"), conf);
        for (const [name, value] of Object.entries(settings)) {
          const guc = gucsOf(18).find(name);
          const read = run('postgres -D "$1" -C "$2"', folder, name).trimEnd();
          expect(guc ? Number(read) : read, name).to.equal(guc ? gucNumber(guc, value) : value);
        }
      });
    });
  }
});
