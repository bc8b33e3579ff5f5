import { expect } from "chai";
import { Client } from "./client";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

/** pgbench's scale: 20 are 300 MB. The acceptance asks for 1 GB, 70. */
const SCALE = process.env.CLONE_SCALE ?? "20";

const CONTENT = `SELECT (SELECT count(*) || ' ' || sum(hashtext(a::text)::bigint) FROM pgbench_accounts AS a) || ' ' ||
  (SELECT sum(hashtext(b::text)::bigint) FROM pgbench_branches AS b)`;

describe("a stack that clones another", function () {
  this.timeout("20m");
  const source = withStack("source", SMALL);
  const clone = withStack("clone", SMALL);
  const content = (of: typeof source) => of.exec("psql", "-U", "postgres", "-d", "app", "-XAtc", CONTENT);
  const pod = (of: typeof source) => of.get("pod/postgres-0", ".metadata.uid");
  const password = (of: typeof source) => of.get("secret/postgres-app", ".data.password");
  const request = () => ({ cloneFrom: { prefix: source.outputs.backupPrefix } });

  it("has the same content, its own passwords and its own archive; the source keeps serving", async () => {
    await source.up();
    const client = new Client(source, "client");
    await client.start();
    await client.bash(`pgbench -i -s ${SCALE} -q 2>&1`);
    await client.stop();
    await source.kubectl(["create", "job", "--from=cronjob/postgres-backup", "loaded"]);
    await source.kubectl(["wait", "--for=condition=Complete", "job/loaded", "--timeout=300s"]);
    await source.exec(
      "psql",
      "-U",
      "postgres",
      "-d",
      "app",
      "-Xqc",
      "DELETE FROM pgbench_accounts WHERE aid % 7 = 0",
    );
    await source.archived();
    const before = await pod(source);

    clone.set(request());
    const { code, stdout } = await clone.tryUp();
    expect(code, stdout).to.equal(0);
    clone.readOutputs();
    expect(stdout).to.match(
      /clone is done since .*: timeline 2; fetch \d+ s, replay \d+ s, verify \d+ s, total \d+ s/,
    );
    expect(await content(clone)).to.equal(await content(source));
    expect(clone.outputs.backupPrefix).not.to.equal(source.outputs.backupPrefix);
    expect(await password(clone)).not.to.equal(await password(source));
    expect(await pod(source)).to.equal(before);
    expect(await source.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
    await clone.archived();
  });

  it("clones nothing a second time", async () => {
    await clone.exec("psql", "-U", "postgres", "-d", "app", "-Xqc", "CREATE TABLE own AS SELECT 1 AS n");
    const { code, stdout } = await clone.preview(["--expect-no-changes"]);
    expect(code, stdout).to.equal(0);
    await clone.kubectl(["delete", "pod", "postgres-0"]);
    await clone.kubectl(["wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=240s"]);
    expect(await clone.exec("psql", "-U", "postgres", "-d", "app", "-XAtc", "SELECT n FROM own")).to.equal(
      "1\n",
    );
  });

  it("is refused where the volume holds data, which keep serving", async () => {
    const before = await pod(source);
    source.set({ cloneFrom: { prefix: clone.outputs.backupPrefix } });
    const { code, stdout } = await source.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.include("a clone only fills an empty volume, and this one holds data");
    expect(await pod(source)).to.equal(before);
  });
});
