import { expect } from "chai";
import { until } from "../../local/process";
import { Container, docker, environment, newVolume, runOnce } from "./docker";
import "./hooks";

const STORE = environment({ POSTGRES_PASSWORD: "secret", WALG_FILE_PREFIX: "/backups" });
const RECORD = "/var/lib/postgresql/.postgres-stack/last-backup";
const HOLD_LOCK = "psql -XAtqc 'SELECT pg_advisory_lock(1886614891, 1), pg_sleep(600)' >/dev/null 2>&1";
const LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";

describe("image: base backups", () => {
  let database: Container;
  let scheduled: Container;

  before(async function () {
    this.timeout("2m");
    scheduled = await Container.start([...STORE, ...environment({ BACKUP_SCHEDULE: "* * * * *" })]);
    database = await Container.ready([
      ...STORE,
      ...environment({ BACKUP_SCHEDULE: "external", BACKUP_RETAIN: "2" }),
    ]);
  });
  after(async () => {
    await database?.remove();
    await scheduled?.remove();
  });

  const backups = async () => {
    const list = await database.bash(". /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
    return list.stdout.split("\n").filter((line) => line.startsWith("base_"));
  };

  it("are stored and recorded", async () => {
    const { code, stderr } = await database.exec("backup.sh", "--first");
    expect(code, stderr).to.equal(0);
    const record = (await database.exec("cat", RECORD)).stdout;
    const [good = "", retention, last] = record.split("\n");
    expect(good).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC base_\w+$/);
    expect(retention).to.equal("retention done: deleted 0");
    expect(last).to.match(/^done at \d{4}.* UTC: /);
    expect(await backups()).to.have.length(1);
    expect(stderr).to.contain(`last good backup: ${good.split(" ")[3]}`);
  });

  it("have a manifest of their parts and of the WAL that makes them consistent", async () => {
    const [name = ""] = (await backups())[0]?.split(" ") ?? [];
    const manifest = JSON.parse(
      (await database.exec("cat", `/backups/18/postgres-stack/backups/${name}.json`)).stdout,
    );
    const stored = await database.bash(
      `cd /backups/18/basebackups_005/${name}/tar_partitions; stat -c '%n %s' *`,
    );
    const parts = manifest.parts.map(([part, bytes]: [string, number]) => `${part} ${bytes}`);
    expect(parts.join("\n")).to.equal(stored.stdout);
    expect(manifest).to.include({ name, timeline: 1, first: name.slice(5) });
    expect((await database.bash(`ls /backups/18/wal_005/${manifest.last}.*`)).code).to.equal(0);
  });

  it("are not taken as the first where there is one", async () => {
    const { code, stderr } = await database.exec("backup.sh", "--first");
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("the archive has a backup already");
    expect(await backups()).to.have.length(1);
  });

  it("are not taken while another runs", async () => {
    await docker(["exec", "-d", "-u", "postgres", database.id, "bash", "-c", HOLD_LOCK]);
    await until("the lock is held", async () => (await database.sql(LOCKS)) === "1");
    const { code, stderr } = await database.exec("backup.sh");
    expect(code).to.equal(3);
    expect(stderr).to.match(/another backup is running since \d{4}-.* UTC: no backup was taken/);
    const required = await database.bash("backup.sh --new-timeline", { BACKUP_WAIT_SECONDS: "1" });
    expect(required.code, "a backup that was skipped is none").to.equal(3);
    expect((await database.exec("cat", RECORD)).stdout).to.match(/\nskipped at .*another backup is running/);
    expect(await backups()).to.have.length(1);
    await database.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  });

  it("of the first kind wait for another one to end, and need none then", async () => {
    await docker(["exec", "-d", "-u", "postgres", database.id, "bash", "-c", HOLD_LOCK]);
    await until("the lock is held", async () => (await database.sql(LOCKS)) === "1");
    const first = database.exec("backup.sh", "--first");
    const waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postgres-stack/backup'";
    await until("it waits", async () => (await database.sql(waiting)) === "1");
    await database.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    const { code, stderr } = await first;
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("the archive has a backup already");
  });

  it("of the first kind wait for the server", async () => {
    const script = `backup.sh --first & waiting=$!; until pgrep -x sleep >/dev/null; do :; done; ln -s /var/run/postgresql /tmp/later; wait $waiting`;
    const { code, stderr } = await database.bash(script, { PGHOST: "/tmp/later" });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("the archive has a backup already");
  });

  it("of a new timeline need one of that timeline, which is taken once", async () => {
    const { code, stderr } = await database.exec("backup.sh", "--new-timeline");
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("timeline 1 has a backup already");
    expect(await backups()).to.have.length(1);
  });

  it("are not taken where WAL counts as archived and does not come, in one that is new neither", async () => {
    const away = "mv /usr/local/bin/archive-wal /usr/local/bin/away; cp /bin/true /usr/local/bin/archive-wal";
    await database.exec("bash", "-c", away);
    const { code, stderr } = await database.exec("backup.sh");
    await database.exec("mv", "/usr/local/bin/away", "/usr/local/bin/archive-wal");
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /no backup was taken: WAL segment \w+ counts as archived, but the archive does not hold it/,
    );
    expect(await backups()).to.have.length(1);
  });

  it("killed with -9, leave the lock free, no upload running and the record as it was", async () => {
    const record = (await database.exec("cat", RECORD)).stdout;
    const slow = environment({ WALG_DISK_RATE_LIMIT: "100000" });
    await docker(["exec", "-d", "-u", "postgres", ...slow, database.id, "backup.sh"]);
    await until(
      "the upload runs",
      async () => (await database.exec("pgrep", "-f", "^wal-g backup-push")).code === 0,
    );
    await database.bash("pkill -9 -of backup.sh");
    await until(
      "the upload is gone",
      async () => (await database.exec("pgrep", "-f", "^wal-g backup-push")).code !== 0,
    );
    await until("the lock is free", async () => (await database.sql(LOCKS)) === "0");
    expect((await database.exec("cat", RECORD)).stdout).to.equal(record);
    expect((await database.exec("backup.sh")).code).to.equal(0);
    expect(await backups()).to.have.length(2);
  });

  it("above the number to keep are deleted, the oldest first", async () => {
    const [oldest] = await backups();
    expect((await database.exec("backup.sh")).code).to.equal(0);
    const kept = await backups();
    expect(kept).to.have.length(2);
    expect(kept).not.to.include(oldest);
  });

  it("are good also when older ones can't be deleted: the retention failed, which has a state of its own", async () => {
    await database.bash("chmod -R a-w /backups/18/basebackups_005/base_*/");
    const before = (await database.exec("cat", RECORD)).stdout;
    const { code, stderr } = await database.exec("backup.sh");
    await database.bash("chmod -R u+w /backups/18/basebackups_005");
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(/ERROR .* is good, but those above the 2 newest could not all be deleted/);
    const [good, retention] = (await database.exec("cat", RECORD)).stdout.split("\n");
    expect(good).not.to.equal(before.split("\n")[0]);
    expect(retention).to.match(/^retention failed: base backup base_\w+ can't be deleted/);
  });

  it("fail with an error when the store does", async () => {
    await database.exec("mv", "/backups/18", "/backups/away");
    const { code, stderr } = await database.exec("backup.sh");
    await database.exec("mv", "/backups/away", "/backups/18");
    expect(code).to.equal(1);
    expect(stderr).to.contain("no backup was taken: whether the archive is this database's can't be asked");
    expect((await database.exec("cat", RECORD)).stdout).to.match(/\nfailed at .* UTC: no backup was taken/);
  });

  it("are skipped with one warning when the server does not accept connections", async () => {
    const { code, stderr } = await database.bash("backup.sh", { PGHOST: "/tmp" });
    expect(code).to.equal(3);
    expect(stderr).to.match(
      /^\S+ \S+ UTC WARN \[backup\] the server does not accept connections .*: no backup was taken$/,
    );
  });

  it("of very many files keep no list of them, and can be fetched", async () => {
    const make = 'for (1..100001) { open my $f, ">", "$ENV{PGDATA}/base/5/".(9000000 + $_) or die }';
    const run = `perl -e '${make}' && backup.sh && . /run/postgres-stack/walg.env && wal-g backup-fetch /tmp/fetched LATEST 2>/dev/null &&
      find /tmp/fetched/base -type f | wc -l; code=$?; find $PGDATA/base/5 -name '9??????' -size 0 -delete; rm -rf /tmp/fetched; exit $code`;
    const { code, stdout, stderr } = await database.bash(run);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("wal-g keeps no list of them");
    expect(Number(stdout)).to.be.greaterThan(100_001);
  }).timeout("4m");

  it("run by cron show in the container's log", async () => {
    await scheduled.logged(/INFO \[backup\] last good backup: base_/, 90);
    expect(await scheduled.logs()).to.contain("base backups run at '* * * * *' (UTC)");
  });
});

describe("image: a restore by hand", () => {
  it("replays the archive to its end, is promoted, and archives on once it has taken the archive over", async () => {
    const archive = ["-v", `${await newVolume()}:/backups`];
    const data = ["-v", `${await newVolume()}:/var/lib/postgresql`];
    const external = environment({ BACKUP_SCHEDULE: "external" });
    const first = await Container.ready([...STORE, ...external, ...archive]);
    await first.sql("CREATE TABLE kept AS SELECT 1 AS n");
    expect((await first.exec("backup.sh")).code).to.equal(0);
    await first.sql("INSERT INTO kept VALUES (2)");
    await first.stop();
    await first.remove();

    const script = "wal-g backup-fetch $PGDATA LATEST && touch $PGDATA/recovery.signal";
    const store = environment({ WALG_FILE_PREFIX: "/backups/18" });
    const fetched = await runOnce([...store, ...archive, ...data], ["gosu", "postgres", "sh", "-c", script]);
    expect(fetched.code, fetched.stderr).to.equal(0);

    const second = await Container.ready([...STORE, ...external, ...archive, ...data]);
    expect(await second.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM kept")).to.equal("1 2");
    expect((await second.exec("backup.sh", "--take-over")).code).to.equal(0);
    await second.sql("SELECT pg_switch_wal()");
    await until("the new timeline is archived", async () => {
      return (await second.sql("SELECT last_archived_wal >= '000000020' FROM pg_stat_archiver")) === "t";
    });
    await second.remove();
  });
});

describe("image: a CronJob", () => {
  it("without a prefix says so", async () => {
    const { code, stderr } = await runOnce(["-u", "postgres"], ["backup.sh"]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("is a prefix such as WALG_S3_PREFIX set?");
  });

  it("validates its environment", async () => {
    const { code, stderr } = await runOnce(environment({ BACKUP_RETAIN: "many", LOG_LEVEL: "?" }), [
      "backup.sh",
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("BACKUP_RETAIN:").and.to.contain("LOG_LEVEL:");
  });
});

describe("image: without cron", () => {
  it("starts with one warning, and archives", async () => {
    const options = environment({ BACKUP_SCHEDULE: "0 0 * * *" });
    const database = await Container.ready([...STORE, ...options, "-v", "/dev/null:/usr/sbin/cron"]);
    expect((await database.logs()).match(/ WARN /g)).to.have.length(1);
    expect(await database.logs()).to.contain("no cron daemon runs");
    expect(await database.sql("SHOW archive_mode")).to.equal("on");
    await database.remove();
  });
});
