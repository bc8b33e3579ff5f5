import { expect } from "chai";
import { Container, environment, newVolume } from "./docker";
import "./hooks";
import { imageOf, needMajors } from "./majors";
import {
  backup,
  boot,
  copyOf,
  insert,
  removeVolume,
  request,
  restored,
  rows,
  settled,
  switched,
  VOLUME,
} from "./restore";
import { bootMajor, keptPrograms, upgrade, upgraded } from "./upgrade";

const segments = (mib: number) => ({ POSTGRES_INITDB_ARGS: `--wal-segsize=${mib}` });
const SIZES =
  "SELECT string_agg(current_setting(name), ' ' ORDER BY name) FROM pg_settings WHERE name ~ '_wal_size$|^wal_segment'";

/** A stopped database with segments of this many MiB: rows 1 to 20, and a base backup after row 10. */
async function database(mib: number): Promise<{ volume: string; lsn: string }> {
  const volume = await newVolume();
  const server = await boot(volume, segments(mib));
  await server.sql("CREATE TABLE rows (n int PRIMARY KEY)");
  await insert(server, 1, 10);
  await backup(server);
  await insert(server, 11, 15);
  const lsn = await server.sql("SELECT pg_current_wal_lsn()");
  await switched(server);
  await switched(server);
  await insert(server, 16, 20);
  await switched(server);
  await server.end();
  return { volume, lsn };
}

describe("image: segments of 64 MiB", () => {
  let prepared: { volume: string; lsn: string };

  before(async function () {
    this.timeout("5m");
    prepared = await database(64);
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  it("need no further setting; the size of the WAL follows, as initdb has it", async () => {
    const server = await boot(await copyOf(prepared.volume));
    expect(await server.sql(SIZES)).to.equal("4GB 320MB 64MB");
    const wal = await server.bash(
      ". /usr/local/bin/entrypoint.sh; load_walg_env; WAL_SEGMENT_BYTES=67108864 load_walg_env; env | grep PG_WAL",
    );
    expect(wal.stdout).to.contain("WALG_PG_WAL_SIZE=64");
    const probe = await server.bash(". probe.sh; segment_kib");
    expect(probe.stdout, probe.stderr).to.equal("65536");
    await server.remove();
  });

  it("are restored in place to a position, and that is undone", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(`lsn:${prepared.lsn}`);
    const server = await boot(volume, wanted);
    await restored(server);
    expect(await rows(server)).to.equal("15..15");
    await server.end();
    const undone = await boot(volume, { ...wanted, RESTORE_UNDO: "true" });
    await settled(undone);
    expect(await rows(undone)).to.equal("20..20");
    await undone.remove();
  });

  it("are replayed to the end of the archive on an empty volume, also what wal-g fetches ahead", async () => {
    const clone = await Container.start([
      ...["-v", `${prepared.volume}:/source:ro`, "-v", `${await newVolume()}:${VOLUME}`],
      ...environment({ POSTGRES_PASSWORD: "new", CLONE_FROM: "/source/archive/18" }),
    ]);
    await clone.isUp();
    expect(await rows(clone)).to.equal("20..20");
    expect(await clone.sql(SIZES)).to.equal("4GB 320MB 64MB");
    expect(await clone.logs()).not.to.match(/wrong file size|is not one of/);
    await clone.remove();
  });

  it("stay through an upgrade, whose new cluster gets them too", async function () {
    needMajors(this, 17);
    const volume = await newVolume();
    const old = await boot(volume, segments(64), await imageOf(17));
    await old.sql("CREATE TABLE rows (n int PRIMARY KEY)");
    await insert(old, 1, 3);
    await keptPrograms(old);
    await old.end();
    const server = await bootMajor(18, volume, upgrade({ PG_REINDEX_COLLATIONS: "true" }));
    await upgraded(server);
    expect(await rows(server)).to.equal("3..3");
    expect(await server.sql(SIZES)).to.equal("4GB 320MB 64MB");
    await server.remove();
    await removeVolume(volume);
  });
});

describe("image: segments of 1 MiB", () => {
  it("are restored onto a volume that lost its data", async function () {
    this.timeout("5m");
    const { volume } = await database(1);
    const empty = await newVolume();
    const lost = await Container.start([
      ...["-v", `${volume}:/source`, "-v", `${empty}:${VOLUME}`],
      ...environment({
        POSTGRES_PASSWORD: "new",
        WALG_FILE_PREFIX: "/source/archive",
        BACKUP_SCHEDULE: "external",
      }),
      ...environment(request("latest")),
    ]);
    await lost.isUp();
    expect(await rows(lost)).to.equal("20..20");
    await lost.remove();
  });
});
