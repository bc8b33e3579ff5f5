import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Container, docker, environment, newFolder, runOnce } from "./docker";
import "./hooks";

const CONF_D = "/etc/postgresql/conf.d";

/** Settings of docker-context/config/postgresql.conf, as PostgreSQL shows them. */
const DEFAULTS = {
  huge_pages: "off",
  log_checkpoints: "on",
  log_temp_files: "64MB",
  random_page_cost: "1.1",
  shared_preload_libraries: "pg_stat_statements",
  track_io_timing: "on",
  wal_compression: "lz4",
};

describe("image: checking settings", () => {
  const check = (content: string) =>
    runOnce(["-v", `${newFolder({ "stack.conf": content })}:${CONF_D}:ro`], ["check-settings.sh"]);

  it("passes what PostgreSQL starts with", async () => {
    const { code, stderr } = await check("work_mem = 8MB\nmax_connections = 33\n");
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("PostgreSQL starts with these settings: 2 from conf.d");
  });

  it("refuses what it does not start with, in PostgreSQL's words", async () => {
    const { code, stderr } = await check("work_mem = '12 bananas'\n");
    expect(code).to.equal(1);
    expect(stderr).to.contain('invalid value for parameter "work_mem": "12 bananas"');
    expect((await check("no_such_setting = 1\n")).stderr).to.contain("no_such_setting");
  });
});

describe("image: applying settings", () => {
  let database: Container;
  let folder: string;
  const write = (content: string) => writeFileSync(join(folder, "stack.conf"), content);
  const apply = (seconds = 3) => {
    const variables = environment({
      APPLY_DEADLINE: `${seconds}`,
      PGHOST: "127.0.0.1",
      PGPASSWORD_FILE: "/tmp/password",
    });
    return docker(["exec", ...variables, database.id, "apply-settings.sh"]);
  };

  before(async function () {
    this.timeout("2m");
    folder = newFolder({ "stack.conf": "work_mem = 8MB\n" });
    database = await Container.ready([
      ...environment({ POSTGRES_PASSWORD: "secret" }),
      "-v",
      `${folder}:${CONF_D}:ro`,
    ]);
    await database.bash("umask 077; printf secret >/tmp/password");
  });
  after(() => database?.remove());

  it("starts with the image's defaults", async () => {
    for (const [name, value] of Object.entries(DEFAULTS))
      expect(await database.sql(`SHOW ${name}`), name).to.equal(value);
  });

  it("reloads them without a restart and says what changed", async () => {
    const started = await database.sql("SELECT pg_postmaster_start_time()");
    write("work_mem = 16MB\nlog_min_duration_statement = 1s\n");
    const { code, stderr } = await apply();
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("work_mem: 8MB -> 16MB").and.to.contain("log_min_duration_statement: -1 -> 1s");
    expect(await database.sql("SHOW work_mem")).to.equal("16MB");
    expect(await database.sql("SELECT pg_postmaster_start_time()")).to.equal(started);
  });

  it("notices a setting that was taken away", async () => {
    write("work_mem = 16MB\n");
    expect((await apply()).stderr).to.contain("log_min_duration_statement: 1s -> -1");
  });

  it("fails for one that waits for a restart", async () => {
    write("work_mem = 16MB\nmax_connections = 44\n");
    const { code, stderr } = await apply(1);
    expect(code).to.equal(1);
    expect(stderr).to.contain("max_connections needs a restart");
  });

  it("fails for one that PostgreSQL rejects; the old value stays", async () => {
    write("work_mem = '12 bananas'\n");
    const { code, stderr } = await apply();
    expect(code).to.equal(1);
    expect(stderr)
      .to.contain("PostgreSQL rejects settings, their old values stay in effect")
      .and.to.contain("work_mem");
    expect(await database.sql("SHOW work_mem")).to.equal("16MB");
  });

  it("confirms those that its own sessions set for themselves too, and notices where they are overridden", async () => {
    const own = [
      "idle_in_transaction_session_timeout = 10min",
      "statement_timeout = 1h",
      "lock_timeout = 9s",
    ];
    write(`${own.join("\n")}\n`);
    const { code, stderr } = await apply();
    expect(code, stderr).to.equal(0);
    await database.sql("ALTER SYSTEM SET statement_timeout = '2h'");
    const overridden = await apply(1);
    await database.sql("ALTER SYSTEM RESET statement_timeout");
    expect(overridden.code).to.equal(1);
    expect(overridden.stderr).to.contain("statement_timeout is overridden by ALTER SYSTEM");
  });

  it("fails for one that ALTER SYSTEM overrides", async () => {
    write("work_mem = 32MB\n");
    await database.sql("ALTER SYSTEM SET work_mem = '1MB'");
    const { code, stderr } = await apply(1);
    await database.sql("ALTER SYSTEM RESET work_mem");
    expect(code).to.equal(1);
    expect(stderr).to.contain("work_mem is overridden by ALTER SYSTEM");
  });

  it("fails for one of the archive, which a flag overrides", async () => {
    const flags = ["postgres", "-c", "archive_timeout=60"];
    write("archive_timeout = 0\n");
    const mounts = ["-v", `${folder}:${CONF_D}:ro`, ...environment({ POSTGRES_PASSWORD: "secret" })];
    const archiving = await Container.ready(mounts, flags);
    const { code, stderr } = await docker([
      "exec",
      "-e",
      "APPLY_DEADLINE=1",
      archiving.id,
      "apply-settings.sh",
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("archive_timeout is overridden by command line");
    await archiving.remove();
  });

  it("waits until the server sees the new files", async () => {
    const wanted = newFolder({ "stack.conf": "work_mem = 64MB\n" });
    const options = ["--network", `container:${database.id}`, "-v", `${wanted}:${CONF_D}:ro`];
    const variables = environment({ APPLY_DEADLINE: "1", PGHOST: "127.0.0.1", PGPASSWORD: "secret" });
    const { code, stderr } = await runOnce([...options, ...variables], ["apply-settings.sh"]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("the server does not see the new files yet");
  });
});
