import { expect } from "chai";
import { newVolume, runOnce } from "./docker";
import "./hooks";
import { backup, boot, copyOf, insert, options, request, restored, rows, VOLUME } from "./restore";

const PLACE = `${VOLUME}/place`;
const NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;

describe("image: a restore and tablespaces", () => {
  let volume: string;
  let before_: string;
  let after_: string;
  let last: string;

  before(async function () {
    this.timeout("5m");
    volume = await newVolume();
    const database = await boot(volume);
    await database.sql("CREATE TABLE rows (n int PRIMARY KEY)");
    await insert(database, 1, 1);
    await backup(database);
    await insert(database, 2, 2);
    before_ = await database.sql(`SELECT ${NOW}`);
    await insert(database, 3, 3);
    // as an image created it that did not forbid them
    await database.bash(`mkdir -m 0700 ${PLACE}; chmod 0700 ${VOLUME}/18/docker/pg_tblspc`);
    await database.sql(`CREATE TABLESPACE place LOCATION '${PLACE}'`);
    await database.sql("CREATE TABLE placed TABLESPACE place AS SELECT generate_series(1, 100) AS n");
    after_ = await database.sql(`SELECT ${NOW}`);
    await database.sql("INSERT INTO placed SELECT generate_series(101, 3100)");
    await insert(database, 4, 4);
    const { stdout } = await database.bash(
      ". /run/postgres-stack/walg.env; PGHOST=/var/run/postgresql wal-g backup-push $PGDATA >&2 && wal-g backup-list | awk 'END { print $1 }'",
    );
    last = stdout;
    await database.stop();
    await database.remove();
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  const files = async (of: string) => {
    const { stdout } = await runOnce(
      ["-v", `${of}:${VOLUME}`],
      ["bash", "-c", `cd ${PLACE}; find . -type f -exec md5sum {} + | sort`],
    );
    return stdout;
  };

  it("whose replay would make one stops before it writes into the folder that is in use, and says so", async () => {
    const copy = await copyOf(volume);
    const before = await files(copy);
    expect(before).to.contain("PG_18");
    const database = await boot(copy, request(after_, { RESTORE_BACKUP: "" }));
    const log = await database.logs();
    expect(log).to.match(
      /restore one failed: WAL between base backup base_\w+ and the target creates a tablespace.*The old data were not touched/,
    );
    expect(log).not.to.contain("recovery stopped (attempt");
    expect(await rows(database)).to.equal("4..4");
    expect(await database.sql("SELECT count(*) FROM placed")).to.equal("3100");
    await database.stop();
    await database.remove();
  });

  it("to a moment before it was made is done, and can be undone", async () => {
    const copy = await copyOf(volume);
    const database = await boot(copy, request(before_));
    await restored(database);
    expect(await rows(database)).to.equal("2..2");
    await database.stop();
    await database.remove();
    const undone = await boot(copy, request(before_, { RESTORE_UNDO: "true" }));
    expect(await rows(undone)).to.equal("4..4");
    expect(await undone.sql("SELECT count(*) FROM placed")).to.equal("3100");
    await undone.remove();
  });

  it("whose replay would make one in place, within the data folder, stops just so", async () => {
    const copy = await copyOf(volume);
    const database = await boot(copy, request(before_));
    await restored(database);
    const { code, stderr } = await database.bash(`chmod 0700 ${VOLUME}/18/docker/pg_tblspc
      psql -Xq -c "SET allow_in_place_tablespaces = on" -c "CREATE TABLESPACE inside LOCATION ''"`);
    expect(code, stderr).to.equal(0);
    await database.sql("CREATE TABLE placed TABLESPACE inside AS SELECT generate_series(1, 100) AS n");
    const now = await database.sql(`SELECT ${NOW}`);
    await insert(database, 3, 3);
    await database.stop();
    await database.remove();
    const again = await boot(copy, request(now, { RESTORE_ID: "two" }));
    expect(await again.logs()).to.match(
      /restore two failed: WAL between base backup base_\w+ and the target creates a tablespace.*The old data were not touched/,
    );
    expect(await rows(again)).to.equal("3..3");
    expect(await again.sql("SELECT count(*) FROM placed")).to.equal("100");
    await again.remove();
  });

  it("from a base backup that has one is refused in the preflight", async () => {
    const copy = await copyOf(volume);
    const wanted = request("latest", { RESTORE_BACKUP: last });
    const beside = await runOnce(options(copy, wanted), ["restore.sh", "--preflight"]);
    expect(beside.code).to.equal(1);
    expect(beside.stderr).to.match(
      new RegExp(`restore one would be refused: base backup ${last} has tablespaces \\(\\d+ in ${PLACE}\\)`),
    );
    const database = await boot(copy, wanted);
    expect(await database.logs()).to.match(/restore one refused: base backup \w+ has tablespaces/);
    expect(await rows(database)).to.equal("4..4");
    await database.remove();
  });
});
