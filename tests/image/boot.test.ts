import { expect } from "chai";
import { until } from "../../local/process";
import { Container, environment, IMAGE, must, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";

describe("image: a plain database", () => {
  let database: Container;

  before(async function () {
    this.timeout("2m");
    const settings = newFolder({ "override.conf": "work_mem = 128MB\nlog_statement = all\n" });
    database = await Container.ready([
      "--health-interval=10s",
      ...environment({ POSTGRES_PASSWORD: "plain-secret", APP_USER: "app", APP_PASSWORD: "app-secret" }),
      "-v",
      `${settings}:/etc/postgresql/conf.d:ro`,
    ]);
  });
  after(() => database?.remove());

  it("reads its configuration from /etc/postgresql", async () => {
    expect(await database.sql("SHOW config_file")).to.equal("/etc/postgresql/postgresql.conf");
    expect(await database.sql("SHOW hba_file")).to.equal("/etc/postgresql/pg_hba.conf");
  });

  it("lets a file in conf.d override the image's settings", async () => {
    expect(await database.sql("SHOW work_mem")).to.equal("128MB");
  });

  it("keeps data below the major version, with checksums", async () => {
    expect(await database.sql("SHOW data_directory")).to.equal("/var/lib/postgresql/18/docker");
    expect(await database.sql("SHOW data_checksums")).to.equal("on");
  });

  it("has WAL-G, cron and certificates, and no curl", async () => {
    expect((await runOnce([], ["wal-g", "--version"])).stdout).to.match(/wal-g version/);
    expect((await database.exec("which", "cron", "tini")).code).to.equal(0);
    expect((await database.exec("test", "-s", "/etc/ssl/certs/ca-certificates.crt")).code).to.equal(0);
    expect((await database.exec("which", "curl")).code).to.equal(1);
  });

  it("has its commands, which anybody may run, and an empty folder for settings", async () => {
    const commands = ["entrypoint.sh", "backup.sh", "restore.sh", "upgrade.sh"];
    const found = await runOnce(
      ["-u", "nobody"],
      ["bash", "-c", `command -v ${commands.join(" ")}; ls -A /etc/postgresql/conf.d`],
    );
    expect(found.stdout).to.equal(commands.map((command) => `/usr/local/bin/${command}`).join("\n"));
  });

  it("runs as postgres; root keeps PID 1 alone", async () => {
    const names = "postgres|tini|cron|bash|entrypoint.sh|roles.sh";
    expect((await database.exec("pgrep", "-u", "root", "-lx", names)).stdout).to.equal("1 tini");
    expect((await database.exec("pgrep", "-u", "postgres", "-cx", "postgres")).code).to.equal(0);
  });

  it("finds PostgreSQL's own programs first, not Debian's wrapper of them", async () => {
    const found = await database.bash("command -v psql pg_isready postgres");
    const bin = "/usr/lib/postgresql/18/bin";
    expect(found.stdout).to.equal(`${bin}/psql\n${bin}/pg_isready\n${bin}/postgres`);
  });

  it("counts statements", async () => {
    await database.sql("SELECT 1 AS counted");
    const calls = await database.sql(
      "SELECT calls FROM pg_stat_statements WHERE query LIKE 'SELECT $1 AS counted'",
    );
    expect(Number(calls)).to.be.greaterThan(0);
  });

  it("turns healthy through its HEALTHCHECK, which grants 60 s to start", async () => {
    const period = await must(["inspect", "-f", "{{.Config.Healthcheck.StartPeriod}}", IMAGE]);
    expect(period).to.equal("1m0s");
    await until(
      "the container is healthy",
      async () => (await must(["inspect", "-f", "{{.State.Health.Status}}", database.id])) === "healthy",
    );
  });

  it("lets root and postgres in the container be any role without a password", async () => {
    expect((await database.exec("psql", "-U", "app", "-c", "SELECT 1")).code).to.equal(0);
    expect((await database.bash("psql -U app -c 'SELECT 1'")).code).to.equal(0);
    const other = await must(["exec", "-u", "nobody", database.id, "id", "-un"]);
    expect(other).to.equal("nobody");
    expect((await database.exec("setpriv", "--reuid=65534", "psql", "-U", "app")).code).not.to.equal(0);
  });

  it("asks for a password over TCP, also on the loopback address", async () => {
    expect((await database.login("postgres", "wrong")).stderr).to.contain("password authentication failed");
    expect((await database.login("postgres", "plain-secret")).stdout).to.equal("1");
  });

  it("is closed for replication", async () => {
    const answer = await database.exec(
      "psql",
      "dbname=postgres user=postgres replication=true",
      "-c",
      "IDENTIFY_SYSTEM",
    );
    expect(answer.stderr).to.contain("rejects replication connection");
  });

  it("shows no password in its log, though every statement is logged", async () => {
    const log = await database.logs();
    expect(log).to.contain("SELECT 1 AS counted");
    expect(log).not.to.match(/plain-secret|app-secret|SCRAM-SHA-256/);
  });

  it("hands no password down to the server's processes", async () => {
    const shown = await database.sql(
      "CREATE TEMP TABLE seen (line text); COPY seen FROM PROGRAM 'env'; SELECT string_agg(line, ' ') FROM seen",
    );
    expect(shown)
      .to.contain("PGDATA=")
      .and.not.to.match(/plain-secret|app-secret/);
  });

  it("survives an orphan that dies of a signal: PID 1 adopts it, not the server", async () => {
    const started = await database.sql("SELECT pg_postmaster_start_time()");
    const orphan = (await database.bash("setsid -f sleep 300; pgrep -nx sleep")).stdout;
    await database.exec("kill", "-SEGV", orphan);
    await until("the orphan is gone", async () => (await database.exec("kill", "-0", orphan)).code !== 0);
    expect(await database.sql("SELECT pg_postmaster_start_time()")).to.equal(started);
    expect(await database.logs()).not.to.contain("terminating any other active server processes");
  });

  it("logs in one format", async () => {
    const lines = (await database.logs()).split("\n").filter((line) => line.includes("[roles]"));
    expect(lines[0]).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC INFO \[roles\] /);
  });

  it("takes a checkpoint before a stop", async () => {
    const before = await database.sql("SELECT checkpoint_lsn FROM pg_control_checkpoint()");
    await database.sql("CREATE TABLE checkpointed ()");
    expect((await database.exec("pre-stop.sh", "30")).code).to.equal(0);
    expect(await database.sql("SELECT checkpoint_lsn FROM pg_control_checkpoint()")).not.to.equal(before);
  });
});

describe("image: a start after a kill", () => {
  it("takes the socket over from a server that was killed, although its number is another process's now", async () => {
    const lock = "/var/run/postgresql/.s.PGSQL.5432.lock";
    const left = `gosu postgres sleep 600 & echo $! >${lock}; chown postgres ${lock}; exec entrypoint.sh postgres`;
    const database = await Container.ready(environment({ POSTGRES_PASSWORD: "plain-secret" }), [
      "bash",
      "-c",
      left,
    ]);
    await database.remove();
  });
});

describe("image: the slow-query log", () => {
  it("is switched on by one setting", async () => {
    const settings = newFolder({ "slow.conf": "log_min_duration_statement = 0\n" });
    const database = await Container.ready([
      ...environment({ POSTGRES_PASSWORD: "plain-secret" }),
      "-v",
      `${settings}:/etc/postgresql/conf.d:ro`,
    ]);
    await database.sql("SELECT 'slow'");
    await database.logged(/duration: [\d.]+ ms {2}statement: SELECT 'slow'/);
    expect(await database.logs()).not.to.contain("SCRAM-SHA-256");
    await database.remove();
  });
});

describe("image: scripts of the first initialisation", () => {
  it("that are sourced and end it early leave no cluster; the next start begins anew, where they may read what is not set", async function () {
    this.timeout("3m");
    const volume = await newVolume();
    const start = (first: string) => {
      const scripts = newFolder({ "10.sh": first, "20.sql": "CREATE TABLE late (n int)" });
      const mounts = [
        "-v",
        `${scripts}:/docker-entrypoint-initdb.d:ro`,
        "-v",
        `${volume}:/var/lib/postgresql`,
      ];
      return [...environment({ POSTGRES_PASSWORD: "plain-secret" }), ...mounts];
    };
    const { code, stderr } = await runOnce(start("exit 0\n"));
    expect(code).to.equal(1);
    expect(stderr).to.contain("the initialisation did not come to its end, and nothing was kept");
    const database = await Container.ready(start('[ "$NOT_SET" = yes ] || true\n'));
    expect(await database.sql("SELECT count(*) FROM late")).to.equal("0");
    await database.remove();
  });
});
