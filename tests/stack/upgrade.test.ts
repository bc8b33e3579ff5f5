import { expect } from "chai";
import { run } from "../../local/process";
import { skip } from "../lib/skip";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

/** Rows of the table; 8000000 are 1 GB. */
const ROWS = Number(process.env.UPGRADE_STACK_ROWS ?? 20_000);
/** Text in an order that is the library's, an extension, and a large object. */
const CONTENT = `
  CREATE EXTENSION pg_trgm;
  CREATE TABLE shop (id int PRIMARY KEY, name text COLLATE "C");
  INSERT INTO shop SELECT i, md5(i::text) FROM generate_series(1, ${ROWS}) i;
  CREATE UNIQUE INDEX ON shop (name);
  SELECT lo_from_bytea(4711, 'kept');`;
const CHECKSUM = "SELECT count(*) || ' ' || sum(hashtext(id || name)::bigint) || lo_get(4711) FROM shop";

describe("a major upgrade of a stack", function () {
  this.timeout("20m");
  const stack = withStack("upgrade", { ...SMALL, dataSize: "2Gi", disposable: false });
  const nineteen = { ...(SMALL.postgres as object), version: 19 };
  let checksum: string;
  let claim: string;
  let image: string;

  const leftovers = async () =>
    (await stack.kubectl(["get", "job,pod,pvc", "--output", "name"]))
      .split("\n")
      .filter((name) => /rehearsal/.test(name));

  before(async function () {
    if (!process.env.BASE_IMAGE_19) skip(this, "there is no base image of PostgreSQL 19 (BASE_IMAGE_19)");
    await stack.up();
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=300s"]);
    await stack.sql(CONTENT);
    await stack.archived();
    checksum = await stack.sql(CHECKSUM);
    claim = await stack.get("pvc/postgres-data", ".metadata.uid");
  });

  it("is rehearsed on a clone of the backup, and nothing of that is left", async () => {
    const pod = await stack.get("pod/postgres-0", ".metadata.uid");
    const { code, stdout, stderr } = await stack.script("local/rehearse-upgrade", { TO: "19" });
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^#/);
    expect(await leftovers()).to.deep.equal([]);
    expect(await stack.get("pod/postgres-0", ".metadata.uid"), "the server was left alone").to.equal(pod);
    image = stderr.match(/PostgreSQL 18 -> 19 with (\S+),/)?.[1] ?? "";
  });

  it("is refused by its rehearsal when the image lacks an extension, which it names; nothing is left", async () => {
    const lacking = `${image}-lacking`;
    const dockerfile = `FROM ${image}\nRUN rm /usr/share/postgresql/19/extension/pg_trgm.control\n`;
    await run("docker", ["build", "--tag", lacking, "-"], { input: dockerfile });
    await run("docker", ["push", lacking]);
    const { code, stdout, stderr } = await stack.script("local/rehearse-upgrade", {
      TO: "19",
      IMAGE: lacking,
    });
    expect(code, stdout).to.equal(1);
    expect(stdout + stderr).to.match(/lacks extensions that are in use: pg_trgm \(database postgres\)/);
    expect(await leftovers()).to.deep.equal([]);
    await run("docker", ["rmi", lacking]);
  });

  it("is one word and one request: the same claim, the same content, told by the update", async () => {
    stack.set({
      postgres: nineteen,
      upgrade: { id: "to-19", mode: "copy", keepOld: true, reindexCollations: true },
    });
    const { code, stdout, stderr } = await stack.tryUp();
    expect(code, stdout + stderr).to.equal(0);
    stack.readOutputs();
    expect(stdout).to.match(/upgrade to-19: /);
    expect(await stack.sql("SHOW server_version_num")).to.match(/^19/);
    expect(await stack.sql(CHECKSUM)).to.equal(checksum);
    expect(await stack.get("pvc/postgres-data", ".metadata.uid")).to.equal(claim);
    expect(stack.outputs.backupPrefix).to.match(/\/19$/);
  });

  it("happens once, though the request stays", async () => {
    const started = await stack.sql("SELECT pg_postmaster_start_time()");
    await stack.up();
    expect(await stack.sql("SELECT pg_postmaster_start_time()")).to.equal(started);
    expect((await stack.preview(["--expect-no-changes"])).code).to.equal(0);
  });

  it("is undone with the older version: the data from before it are back", async () => {
    await stack.sql("INSERT INTO shop VALUES (0, 'since')");
    stack.set({
      postgres: SMALL.postgres,
      upgrade: { id: "to-19", mode: "copy", keepOld: true, undo: true, reindexCollations: true },
    });
    await stack.up();
    expect(await stack.sql("SHOW server_version_num")).to.match(/^18/);
    expect(await stack.sql(CHECKSUM)).to.equal(checksum);
    expect(await stack.get("pvc/postgres-data", ".metadata.uid")).to.equal(claim);
  });
});
