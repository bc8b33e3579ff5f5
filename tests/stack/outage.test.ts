import { expect } from "chai";
import { until } from "../../local/process";
import { StoreProxy } from "../lib/proxy";
import { Writer } from "./client";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

/** How long the store is away. The acceptance asks for 300; the default keeps the suite short. */
const OUTAGE_SECONDS = Number(process.env.OUTAGE_SECONDS ?? 45);

describe("an object store that goes away and comes back", function () {
  this.timeout("15m");
  const proxy = new StoreProxy(new URL(process.env.S3_ENDPOINT ?? "http://127.0.0.1:1"));
  const stack = withStack("outage", {
    ...SMALL,
    backup: { schedule: "0 3 * * *", archiveTimeout: 5, archiveDeadline: 15 },
  });
  after(() => proxy.stop());

  const archived = async () => Number(await stack.sql("SELECT archived_count FROM pg_stat_archiver"));
  const waiting = async () =>
    Number(await stack.sql("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '\\.ready$'"));

  it("archives before the outage", async () => {
    await proxy.start();
    stack.environment.S3_ENDPOINT = proxy.endpoint;
    await stack.up();
    await stack.sql("SELECT pg_switch_wal()");
    await until("a segment in the archive", async () => (await archived()) > 0, 60);
  });

  it("serves throughout, and counts the failures", async () => {
    const writer = new Writer(stack);
    await writer.start();
    await proxy.stop();
    const end = Date.now() + OUTAGE_SECONDS * 1000;
    while (Date.now() < end) await writer.progress();
    await until(
      "a counted failure",
      async () => (await stack.sql("SELECT failed_count > 0 FROM pg_stat_archiver")) === "t",
      90,
    );
    expect(await waiting()).to.be.above(0);
    await proxy.start();
    await writer.progress();
    expect((await writer.missingRows()).missing).to.equal("");
  });

  it("catches up afterwards, and no segment is missing", async () => {
    const last = await stack.sql("SELECT pg_walfile_name(pg_switch_wal() - 1)");
    await until(
      "the backlog in the archive",
      async () => {
        return (await stack.sql("SELECT last_archived_wal FROM pg_stat_archiver")) >= last;
      },
      180,
    );
    await stack.kubectl(["create", "job", "--from=cronjob/postgres-backup", "after-the-outage"]);
    await stack.kubectl(["wait", "--for=condition=Complete", "job/after-the-outage", "--timeout=180s"]);
    const list = await stack.exec(
      "bash",
      "-c",
      "set -a; . /run/postgres-stack/walg.env; wal-g st ls -r wal_005 2>&1",
    );
    const stored = [...list.matchAll(/\b([0-9A-F]{24})\.lz4/g)].map(([, segment]) => segment).sort();
    const numbers = stored.map(
      (segment = "") =>
        Number.parseInt(segment.slice(8, 16), 16) * 256 + Number.parseInt(segment.slice(16), 16),
    );
    expect(numbers.length).to.be.above(2);
    expect(numbers).to.deep.equal(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  });
});
