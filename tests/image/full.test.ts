import { expect } from "chai";
import { Container, environment, newVolume, runOnce } from "./docker";
import "./hooks";

const VOLUME = "/var/lib/postgresql";
const WAL = `${VOLUME}/18/docker/pg_wal`;
/** Room for a database, the programs that an upgrade needs, and a few segments. */
const SIZE = "330m";

describe("image: a volume that WAL has filled while nothing could be archived", () => {
  let mounts: string[];
  let holder: Container;

  const options = () => [
    ...mounts,
    ...environment({
      POSTGRES_PASSWORD: "secret",
      WALG_FILE_PREFIX: "/backups",
      BACKUP_SCHEDULE: "external",
    }),
  ];
  const onVolume = async (script: string) => (await runOnce(mounts, ["bash", "-c", script])).stdout;

  before(async function () {
    this.timeout("3m");
    const tmpfs = ["-d", "local", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", `o=size=${SIZE}`];
    mounts = ["-v", `${await newVolume(tmpfs)}:${VOLUME}`, "-v", `${await newVolume()}:/backups`];
    // a volume that nobody mounts is empty the next time
    holder = await Container.start(mounts, ["sleep", "infinity"]);
    const database = await Container.ready(options());
    await database.logged(/the programs of PostgreSQL 18 are kept on the volume/);
    await database.sql("CREATE TABLE kept AS SELECT 42 AS answer");
    await database.exec("bash", "-c", "cd /backups/18; mv wal_005 away; touch wal_005");
    const fill = "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 15000000)), pg_switch_wal()";
    await database.bash(`while psql -XAtqc "${fill}"; do :; done`);
    expect(await database.ends()).to.equal(1);
    expect(await database.logs()).to.contain("No space left on device");
    await database.remove();
  });
  after(() => holder?.remove());

  it("says so where the store is still away, and removes no WAL", async () => {
    const before = await onVolume(`ls ${WAL} | grep -x '[0-9A-F]*'`);
    const database = await Container.start(options());
    await database.logged(
      /WARN \[entrypoint\] full: the volume has \d+ KiB left, which may be too little to start: grow it/,
    );
    await database.logged(
      /ERROR \[entrypoint\] full: 0000000100000000000000\w\w can't be archived \(above\) and stays/,
    );
    await database.kill("KILL");
    await database.ends();
    await database.remove();
    expect((await onVolume(`ls ${WAL}`)).split("\n")).to.include.members(before.split("\n"));
  });

  it("archives what waits before the server starts, which then does, and nothing is lost", async () => {
    await onVolume("cd /backups/18; rm wal_005; mv away wal_005");
    const waiting = (await onVolume(`ls ${WAL}/archive_status | grep ready`)).split("\n");
    // the previous start removed the kept programs, which made room
    await onVolume(`head -c 1G /dev/zero >${VOLUME}/ballast; truncate -s -48M ${VOLUME}/ballast`);
    const database = await Container.start(options());
    await database.logged(new RegExp(`full: ${waiting.length} WAL files that waited are archived`));
    await database.becomesReady();
    expect(await database.sql("SELECT answer FROM kept")).to.equal("42");
    const stored = (await database.exec("ls", "/backups/18/wal_005")).stdout;
    for (const name of waiting) expect(stored).to.contain(name.slice(0, 24));
    expect(await database.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
    await database.remove();
  });
});
