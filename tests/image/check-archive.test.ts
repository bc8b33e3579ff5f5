import { expect } from "chai";
import { Container, environment, newVolume, runOnce } from "./docker";
import "./hooks";

const ARCHIVES = "/archives";
const SECRET = { POSTGRES_PASSWORD: "secret", BACKUP_SCHEDULE: "external" };
const prefix = (name: string) => ({ WALG_FILE_PREFIX: `${ARCHIVES}/${name}` });

describe("image: whose an archive is, asked before a server restarts with its prefix", () => {
  let archives: string[];
  let one: Container;
  let two: Container;
  const owned = (name: string) => ({ ...SECRET, ...prefix(name), VOLUME_OWNER: `team/${name}` });

  before(async function () {
    this.timeout("3m");
    archives = ["-v", `${await newVolume()}:${ARCHIVES}`];
    one = await Container.ready([...archives, ...environment(owned("one"))]);
    two = await Container.ready([...archives, ...environment(owned("two"))]);
    for (const database of [one, two]) {
      const { code, stderr } = await database.exec("backup.sh");
      expect(code, stderr).to.equal(0);
    }
    const folders = "{basebackups_005,postgres-stack,wal_005}";
    const copy = `cd ${ARCHIVES} && cp -a one before-owners && rm -r before-owners/18/postgres-stack && mkdir -p new/18/${folders}`;
    const made = await one.exec("bash", "-c", copy);
    expect(made.code, made.stderr).to.equal(0);
  });
  after(() => Promise.all([one, two].map((database) => database?.remove())));

  /** The archives' contents, byte by byte. */
  const stored = async () =>
    (await one.exec("bash", "-c", `cd ${ARCHIVES} && find . -type f -exec md5sum {} + | sort`)).stdout;

  /** Runs the check for a server, or for none that answers. */
  async function check(server: Container | undefined, variables: Record<string, string>) {
    const before = await stored();
    const client = { PGHOST: "127.0.0.1", PGUSER: "postgres", PGPASSWORD: "secret" };
    const network = server ? ["--network", `container:${server.id}`] : [];
    const result = await runOnce(
      [...archives, ...network, ...environment({ ...SECRET, ...client, ...variables })],
      ["check-archive.sh"],
    );
    expect(await stored()).to.equal(before);
    return result;
  }

  it("accepts a server's own, and one that is nobody's", async () => {
    for (const name of ["two", "new"]) {
      const { code, stderr } = await check(two, { ...owned("two"), ...prefix(name) });
      expect(code, stderr).to.equal(0);
      expect(stderr).to.match(/the archive \/archives\/\w+\/18 is this database's or nobody's/);
    }
  });

  it("refuses another database's and names it, in either direction, and touches neither", async () => {
    for (const [server, name, other] of [[two, "two", "one"] as const, [one, "one", "two"] as const]) {
      const { code, stderr } = await check(server, { ...owned(name), ...prefix(other) });
      expect(code, stderr).to.equal(1);
      expect(stderr).to.include(
        `the archive /archives/${other}/18 is not this database's: it belongs to team/${other}`,
      );
      expect(stderr).to.include("The server was not touched").and.include("a prefix of its own");
    }
  });

  it("refuses that of a database of no name, as in plain Docker", async () => {
    const { code, stderr } = await check(two, { ...prefix("one"), VOLUME_OWNER: "" });
    expect(code, stderr).to.equal(1);
    expect(stderr).to.include("it belongs to team/one");
  });

  it("tells whose an archive without an owner is, one of an earlier image, by what it holds", async () => {
    const variables = prefix("before-owners");
    const own = await check(one, { ...owned("one"), ...variables });
    expect(own.code, own.stderr).to.equal(0);
    const other = await check(two, { ...owned("two"), ...variables });
    expect(other.code, other.stderr).to.equal(1);
    expect(other.stderr).to.match(/what it holds is of system \d+, and these data are of system \d+/);
  });

  it("refuses nothing where no server answers, which an update may be about to mend, and says whose it seems", async () => {
    const own = await check(undefined, owned("one"));
    expect(own.code, own.stderr).to.equal(0);
    expect(own.stderr).to.include("no server answers at 127.0.0.1");
    const other = await check(undefined, { ...owned("three"), ...prefix("one") });
    expect(other.code, other.stderr).to.equal(0);
    expect(other.stderr).to.include("it belongs to team/one");
  });

  it("goes by the owner's name before a restore too, which brings the archive's own system along", async () => {
    const moved = { ...owned("one"), RESTORE_ID: "back" };
    const { code, stderr } = await check(two, moved);
    expect(code, stderr).to.equal(0);
    const without = await check(two, owned("one"));
    expect(without.code, without.stderr).to.equal(1);
    const others = await check(two, { ...moved, VOLUME_OWNER: "team/two" });
    expect(others.code, others.stderr).to.equal(1);
  });

  it("says that a store does not answer, and is no obstacle", async () => {
    const closed = { ...owned("two"), AWS_ENDPOINT: "http://127.0.0.1:9", WALG_S3_PREFIX: "s3://bucket/x" };
    const { code, stderr } = await check(two, { ...closed, WALG_FILE_PREFIX: "", AWS_REGION: "us-east-1" });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("whether the archive s3://bucket/x/18 is this database's can't be asked");
  }).timeout("5m");
});
