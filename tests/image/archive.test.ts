import { expect } from "chai";
import { until } from "../../local/process";
import { Container, docker, environment, newFolder, runOnce } from "./docker";
import "./hooks";

const MAKE = (name: string) =>
  `mkdir -p /tmp/wal/archive_status; head -c 16777216 /dev/urandom >/tmp/wal/${name}`;
const STORED = "/backups/18/wal_005";

describe("image: archiving", () => {
  let database: Container;

  before(async function () {
    this.timeout("2m");
    const store = environment({ WALG_FILE_PREFIX: "file:///backups/", BACKUP_SCHEDULE: "external" });
    const more = environment({ POSTGRES_PASSWORD: "secret", ARCHIVE_TIMEOUT: "17", LOG_LEVEL: "debug" });
    const conf = newFolder({ "own.conf": "archive_command = '/bin/true'\narchive_timeout = 0\n" });
    database = await Container.ready([...store, ...more, "-v", `${conf}:/etc/postgresql/conf.d:ro`]);
  });
  after(() => database?.remove());

  it("is set up by flags, which neither conf.d nor ALTER SYSTEM overrides, now or at the next start", async () => {
    const settings = {
      archive_mode: "on",
      archive_command: "/usr/local/bin/archive-wal %p",
      archive_library: "",
      archive_timeout: "17s",
      restore_command: "/usr/local/bin/fetch-wal %f %p",
    };
    const shown = async () => {
      const names = Object.keys(settings);
      const values = await Promise.all(names.map((name) => database.sql(`SHOW ${name}`)));
      return Object.fromEntries(names.map((name, n) => [name, values[n]]));
    };
    for (const [name, value] of Object.entries({
      ...settings,
      archive_command: "/bin/true",
      archive_mode: "off",
    }))
      await database.sql(`ALTER SYSTEM SET ${name} = '${value === "" ? "other" : value}'`);
    await database.sql("SELECT pg_reload_conf()");
    await database.logged(/received SIGHUP/);
    expect(await shown()).to.deep.equal(settings);
    await database.stop();
    await database.start();
    await database.becomesReady();
    expect(await shown()).to.deep.equal(settings);
  });

  it("says at the start which settings of others have no effect", async () => {
    const line = await database.logged(/WARN \[roles\] the archive's settings can't be changed .*/);
    expect(line)
      .to.contain("archive_command in /var/lib/postgresql/18/docker/postgresql.auto.conf")
      .and.to.contain("archive_timeout in /etc/postgresql/conf.d/own.conf");
    await database.sql("ALTER SYSTEM RESET ALL");
  });

  it("counts up with no failure", async () => {
    await database.sql("SELECT pg_switch_wal()");
    await until("a segment is archived", async () => {
      return (await database.sql("SELECT archived_count > 0 FROM pg_stat_archiver")) === "t";
    });
    expect(await database.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
    await database.logged(/DEBUG \[archive-wal\] 0000000100000000000000\d\d archived/);
  });

  it("takes a segment already archived as archived", async () => {
    const name = "0000000A0000000000000001";
    const push = `archive-wal /tmp/wal/${name}`;
    const { code, stderr } = await database.bash(`${MAKE(name)}; ${push} && ${push}`);
    expect(code, stderr).to.equal(0);
  });

  it("refuses another segment of the same name and leaves the stored one alone", async () => {
    const name = "0000000A0000000000000002";
    const sum = `md5sum <${STORED}/${name}.lz4`;
    const { code, stdout, stderr } = await database.bash(
      `${MAKE(name)}; archive-wal /tmp/wal/${name}; ${sum}; ${MAKE(name)}; archive-wal /tmp/wal/${name}; code=$?; ${sum}; exit $code`,
    );
    expect(code, stderr).to.equal(1);
    expect(stderr).to.contain(`${name} refused: the archive holds another segment`);
    const [before, after] = stdout.split("\n");
    expect(before).to.equal(after);
  });

  it("stores nothing until the segment that differs can be stored", async () => {
    const [differs, next] = ["0000000A0000000000000002", "0000000A0000000000000004"];
    const push = (name: string) => database.bash(`archive-wal /tmp/wal/${name}`);
    await database.bash(MAKE(next));
    const refused = await push(next);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain(`it holds other content of WAL segment ${differs}`);
    await database.bash(`rm ${STORED}/${differs}.lz4`);
    for (const name of [differs, next]) {
      const { code, stderr } = await push(name);
      expect(code, stderr).to.equal(0);
    }
  });

  it("stores a segment again whose stored copy a killed upload left torn", async () => {
    for (const size of [0, 1000]) {
      const name = `0000000A000000000000001${size && 1}`;
      const { code, stderr } = await database.bash(
        `${MAKE(name)}; archive-wal /tmp/wal/${name}; truncate -s ${size} ${STORED}/${name}.lz4; archive-wal /tmp/wal/${name} &&
         fetch-wal ${name} /tmp/wal/back && cmp /tmp/wal/${name} /tmp/wal/back`,
      );
      expect(code, stderr).to.equal(0);
    }
  });

  it("fetches what was archived, over what a failed attempt left", async () => {
    const name = "0000000A0000000000000003";
    const { code, stderr } = await database.bash(
      `${MAKE(name)}; archive-wal /tmp/wal/${name}; echo half >/tmp/wal/back; fetch-wal ${name} /tmp/wal/back && cmp /tmp/wal/${name} /tmp/wal/back`,
    );
    expect(code, stderr).to.equal(0);
  });

  it("says 1 for a segment that does not exist, so that recovery may end", async () => {
    expect((await database.bash("fetch-wal 0000000A00000000000000FF /tmp/wal/none")).code).to.equal(1);
  });

  it("says 200 when the credentials can't be read, so that recovery stops", async () => {
    const { code, stderr } = await runOnce(
      ["-u", "postgres"],
      ["fetch-wal", "000000010000000000000001", "/tmp/x"],
    );
    expect(code).to.equal(200);
    expect(stderr).to.contain("recovery stops here rather than ending early");
  });

  it("archives the last segment at a stop", async () => {
    await database.sql("CREATE TABLE last_words ()");
    const segment = await database.sql("SELECT pg_walfile_name(pg_current_wal_lsn())");
    await database.stop();
    const stored = await docker(["cp", `${database.id}:${STORED}`, "-"]);
    expect(stored.stdout).to.contain(`${segment}.lz4`);
    await database.start();
    await database.becomesReady();
  });

  it("loses no committed row to a kill -9", async () => {
    await database.sql("CREATE TABLE rows (n int); INSERT INTO rows SELECT generate_series(1, 1000)");
    await database.kill("KILL");
    await database.ends();
    await database.start();
    await database.becomesReady();
    expect(await database.sql("SELECT count(*) FROM rows")).to.equal("1000");
  });
});

describe("image: an object store that does not answer", () => {
  const hung = environment({
    WALG_S3_PREFIX: "s3://bucket",
    AWS_ENDPOINT: "http://127.0.0.1:9999",
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    AWS_REGION: "none",
    ARCHIVE_DEADLINE: "1",
  });
  const listener = `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1:9999"); sleep 300' &`;
  const setUp = `. /usr/local/bin/entrypoint.sh; read_environment; write_walg_env; ${listener}`;

  it("ends an upload at its deadline, as a failure that PostgreSQL counts", async () => {
    const script = `${setUp} ${MAKE("000000010000000000000001")}; set +e; archive-wal /tmp/wal/000000010000000000000001; exit $?`;
    const { code, stderr } = await runOnce(["-u", "postgres", ...hung], ["bash", "-c", script]);
    expect(code, stderr).to.equal(1);
    expect(stderr).to.match(
      /ERROR \[archive-wal\] \w+ not archived: whether the archive is this database's can't be asked: .*; PostgreSQL keeps the segment/,
    );
  });

  it("stops recovery with 200 after bounded attempts", async () => {
    const script = `${setUp} set +e; fetch-wal 000000010000000000000001 /tmp/x; exit $?`;
    const { code, stderr } = await runOnce(["-u", "postgres", ...hung], ["bash", "-c", script]);
    expect(code, stderr).to.equal(200);
    expect(stderr.match(/attempt \d of 5/g)).to.have.length(5);
  });
});
