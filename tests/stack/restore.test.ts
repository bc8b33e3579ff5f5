import { expect } from "chai";
import { until } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("a restore that a stack asks for", function () {
  this.timeout("15m");
  const stack = withStack("restore", SMALL);
  const pod = () => stack.get("pod/postgres-0", ".metadata.uid");
  const now = () => stack.sql("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')");
  let target: string;

  it("to a moment that can't be reached is refused with what can be; nothing was touched", async () => {
    const tooEarly = new Date().toISOString();
    await stack.up();
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=240s"]);
    await stack.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
    target = await now();
    await stack.sql("DROP TABLE kept");
    const before = await pod();
    stack.set({ restore: { id: "before-the-drop", to: tooEarly } });
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.match(/restore before-the-drop would be refused: .*reachable on timeline 1: from/);
    expect(await pod()).to.equal(before);
  });

  it("brings back exactly what was there at a time, under the same passwords; the update says how long it took", async () => {
    stack.set({ restore: { id: "before-the-drop", to: target } });
    const { code, stdout } = await stack.tryUp();
    expect(code, stdout).to.equal(0);
    expect(stdout).to.match(
      /restore before-the-drop is done since .*: timeline 2; fetch \d+ s, replay \d+ s, verify \d+ s/,
    );
    expect(await stack.sql("SELECT count(*) FROM kept")).to.equal("1000");
    const login =
      'PGPASSWORD="$(cat "$APP_PASSWORD_FILE")" psql -h 127.0.0.1 -U "$APP_USER" -d "$APP_DATABASE" -XAtc "SELECT 1"';
    expect(await stack.exec("bash", "-c", login)).to.equal("1\n");
  });

  it("archives on the new timeline and takes a base backup of it", async () => {
    await until(
      "a base backup of timeline 2",
      async () => {
        const list = await stack.exec(
          "bash",
          "-c",
          "set -a; . /run/postgres-stack/walg.env; wal-g backup-list 2>&1",
        );
        return list.includes("base_00000002");
      },
      240,
    );
    expect(await stack.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
  });

  it("is nothing to do again, and under another target its id is refused", async () => {
    const { code, stdout } = await stack.preview(["--expect-no-changes"]);
    expect(code, stdout).to.equal(0);
    const before = await pod();
    stack.set({ restore: { id: "before-the-drop", to: "latest" } });
    const edited = await stack.tryUp();
    expect(edited.code).not.to.equal(0);
    expect(edited.stdout).to.include("this id was used before");
    expect(await pod()).to.equal(before);
  });

  it("is undone by the same id", async () => {
    stack.set({ restore: { id: "before-the-drop", to: target, undo: true } });
    const { code, stdout } = await stack.tryUp();
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include("restore before-the-drop is undone since");
    expect(await stack.sql("SELECT to_regclass('kept') IS NULL")).to.equal("t");
  });
});
