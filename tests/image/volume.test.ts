import { expect } from "chai";
import { Container, environment, must, newVolume, runOnce } from "./docker";
import "./hooks";

const RECORDS = "/var/lib/postgresql/.postgres-stack";
const PASSWORD = environment({ POSTGRES_PASSWORD: "secret" });

/** Changes a volume while no server runs on it. */
const prepare = (volume: string, script: string) =>
  runOnce(["-u", "postgres", "-v", `${volume}:/var/lib/postgresql`], ["bash", "-c", script]);

/** Boots on a volume and expects a refusal. Returns its message. */
async function refused(volume: string, options: string[] = []): Promise<string> {
  const result = await runOnce(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD, ...options]);
  expect(result.code, result.stdout).to.equal(1);
  return result.stderr;
}

describe("image: what is on the volume", () => {
  let volume: string;

  before(async function () {
    this.timeout("2m");
    volume = await newVolume();
    const owner = environment({ VOLUME_OWNER: "stack/one" });
    const database = await Container.ready(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD, ...owner]);
    await database.sql("CREATE TABLE kept AS SELECT 42 AS answer");
    await database.stop();
    await database.remove();
  });

  it("refuses data of another major version and says how to upgrade", async () => {
    const old = await newVolume();
    await prepare(
      old,
      "mkdir -p /var/lib/postgresql/17/docker; echo 17 >/var/lib/postgresql/17/docker/PG_VERSION",
    );
    const message = await refused(old);
    expect(message).to.contain("holds data of PostgreSQL 17").and.to.contain("To upgrade:");
    expect((await prepare(old, "ls /var/lib/postgresql")).stdout).to.equal("17");
  });

  it("refuses a volume of another stack", async () => {
    const message = await refused(volume, environment({ VOLUME_OWNER: "stack/two" }));
    expect(message).to.contain("belongs to stack/one, not to stack/two; nothing was touched");
  });

  it("refuses data that carries no owner when it is to have one", async () => {
    await prepare(volume, `mv ${RECORDS}/owner ${RECORDS}/hidden`);
    const message = await refused(volume, environment({ VOLUME_OWNER: "stack/one" }));
    expect(message).to.contain("without an owner's record");
    await prepare(volume, `mv ${RECORDS}/hidden ${RECORDS}/owner`);
  });

  it("refuses to begin anew where a cluster was initialised and is gone", async () => {
    await prepare(
      volume,
      "mkdir /var/lib/postgresql/away; mv /var/lib/postgresql/18 /var/lib/postgresql/away/",
    );
    expect(await refused(volume)).to.contain("data is missing");
    await prepare(volume, "mv /var/lib/postgresql/away/18 /var/lib/postgresql/");
  });

  it("refuses a data folder that is not whole", async () => {
    await prepare(volume, "mv /var/lib/postgresql/18/docker/PG_VERSION /tmp/ || exit 1");
    expect(await refused(volume)).to.contain("holds files but no PG_VERSION");
    await prepare(volume, "echo 18 >/var/lib/postgresql/18/docker/PG_VERSION");
  });

  it("finishes the record of an initialisation that was killed after the data was in place", async () => {
    await prepare(volume, `echo initialising >${RECORDS}/cluster-18`);
    const database = await Container.ready(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD]);
    expect(await database.sql("SELECT answer FROM kept")).to.equal("42");
    expect((await database.exec("cat", `${RECORDS}/cluster-18`)).stdout).to.equal("initialised");
    await database.remove();
  });

  it("lets one server at a time run on it; the next waits for its end", async () => {
    const first = await Container.ready(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD]);
    const second = await Container.start(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD]);
    await second.logged(/another server runs on this volume; waiting/);
    expect((await second.probe("startup")).code).to.equal(1);
    await first.kill("KILL");
    await second.becomesReady();
    expect(await second.sql("SELECT answer FROM kept")).to.equal("42");
    await first.remove();
    await second.remove();
  });
});

describe("image: the first initialisation", () => {
  it("killed in the middle, succeeds at the next start", async () => {
    const database = await Container.start(PASSWORD);
    await database.logged(/performing post-bootstrap initialization/);
    await database.kill("KILL");
    expect(await database.ends()).to.equal(137);
    await database.start();
    await database.becomesReady();
    expect((await database.exec("ls", "/var/lib/postgresql/18")).stdout).to.equal("docker");
    await database.remove();
  });

  it("ends at once when it is told to stop", async () => {
    for (const signal of ["INT", "TERM"]) {
      const database = await Container.start(PASSWORD);
      await database.logged(/initialising PostgreSQL 18/);
      await database.kill(signal);
      expect(await database.ends(5)).to.equal(143);
      await database.remove();
    }
  });

  it("is refused above an archive that already holds data", async () => {
    const archive = await newVolume();
    const store = environment({ WALG_FILE_PREFIX: "/backups/", BACKUP_SCHEDULE: "external" });
    const first = await Container.ready([...PASSWORD, ...store, "-v", `${archive}:/backups`]);
    await first.sql("SELECT pg_switch_wal()");
    await first.stop();
    await first.remove();
    const message = await refused(await newVolume(), [...store, "-v", `${archive}:/backups`]);
    expect(message).to.contain("already holds data").and.to.contain("choose another prefix");
  });

  it("waits for an archive that can't be listed, and ends at once when it is told to stop", async () => {
    const database = await Container.start([
      ...PASSWORD,
      ...environment({
        WALG_S3_PREFIX: "s3://none",
        BACKUP_SCHEDULE: "external",
        AWS_ENDPOINT: "http://127.0.0.1:1",
      }),
      ...environment({ AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none", AWS_REGION: "none" }),
    ]);
    await database.logged(/can't be listed \(attempt 1 of 5\)/);
    await database.kill("TERM");
    expect(await database.ends(5)).to.equal(143);
    expect(await must(["diff", database.id])).not.to.contain("PG_VERSION");
    await database.remove();
  });
});
