import { expect } from "chai";
import { withStack } from "./fixture";
import { until } from "./process";
import { SMALL } from "./stack";

describe("a restore asked for in the pod", function () {
  this.timeout("10m");
  const stack = withStack("restore", SMALL);
  const pod = () => stack.get("pod/postgres-0", ".metadata.uid");

  /** Restarts the pod and waits until it is ready again. */
  async function restart(): Promise<void> {
    const before = await pod();
    await stack.kubectl(["delete", "pod", "postgres-0"]);
    await until("another pod", 60, async () => (await pod()) !== before);
    await stack.kubectl(["wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=240s"]);
  }

  it("brings back exactly what was there at a time, and serves under the same passwords", async () => {
    await stack.up();
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=120s"]);
    await stack.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
    const target = await stack.sql("SELECT clock_timestamp()");
    await stack.sql("DROP TABLE kept");
    await stack.exec("restore.sh", "--to", target, "--id", "before-the-drop");
    await restart();
    expect(await stack.sql("SELECT count(*) FROM kept")).to.equal("1000");
    const login =
      'PGPASSWORD="$(cat "$APP_PASSWORD_FILE")" psql -h 127.0.0.1 -U "$APP_USER" -d "$APP_DATABASE" -XAtc "SELECT 1"';
    expect(await stack.exec("bash", "-c", login)).to.equal("1\n");
  });

  it("archives on the new timeline and takes a base backup of it", async () => {
    await until("a base backup of timeline 2", 120, async () => {
      const list = await stack.exec(
        "bash",
        "-c",
        "set -a; . /run/postgres-stack/walg.env; wal-g backup-list 2>&1",
      );
      return list.includes("base_00000002");
    });
    expect(await stack.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
  });

  it("is undone by the next request", async () => {
    await stack.exec("restore.sh", "--undo");
    await restart();
    expect(await stack.sql("SELECT to_regclass('kept') IS NULL")).to.equal("t");
  });
});
