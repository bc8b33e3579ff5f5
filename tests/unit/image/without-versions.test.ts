import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";

const SCRIPT = join(__dirname, "../../../docker-context/scripts/lib/upgrade/without-versions.pl");

/** What is left of a dump. */
function without(dump: string): string {
  const { status, stdout, stderr } = spawnSync("perl", [SCRIPT], { input: dump, encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  return stdout;
}

describe("versions of attributes in a dump for pg_upgrade", () => {
  it("are left out, with the whole statement when it sets nothing else", () => {
    expect(without(`ALTER TABLE ONLY t ALTER COLUMN a SET (pg_attver=2);\nSELECT 1;\n`)).to.equal(
      "SELECT 1;\n",
    );
    for (const options of ["n_distinct=-0.5, pg_attver=2", "pg_attver=2, n_distinct=-0.5"])
      expect(without(`ALTER TABLE ONLY t ALTER COLUMN a SET (${options});\n`)).to.equal(
        "ALTER TABLE ONLY t ALTER COLUMN a SET (n_distinct=-0.5);\n",
      );
  });

  it("are left out where names have line breaks, quotes and dollars, after a comment with a quote", () => {
    const names = [
      '"new\nline" ALTER COLUMN "x\ny"',
      `"it's $$ "".x" ALTER "SET (pg_attver=1);"`,
      "a$b ALTER c$d",
    ];
    for (const name of names)
      expect(without(`-- Name: it's\n\nALTER TABLE ONLY ${name} SET (pg_attver=2);\nSELECT 1;\n`)).to.equal(
        "SELECT 1;\n",
      );
  });

  it("stay where they are text: in strings, in bodies of functions, and in what follows", () => {
    const dump = [
      "COMMENT ON TABLE t IS E'it\\'s\nALTER TABLE t ALTER a SET (pg_attver=1);\n\\\\';",
      "COMMENT ON TABLE t IS 'it''s\nALTER TABLE t ALTER a SET (pg_attver=1);\n\\';",
      "CREATE FUNCTION f() AS $_$\nALTER TABLE t ALTER a SET (pg_attver=1);\n'\"\n$_$;",
      'SELECT \'\nALTER\', "a\'" FROM "E";',
      "",
    ].join("\n");
    expect(without(dump)).to.equal(dump);
    expect(without(`${dump}ALTER TABLE t ALTER a SET (pg_attver=1);\n`)).to.equal(dump);
  });
});
