import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { largeArchive } from "../lib/large-store";
import { Container, environment, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";
import { backup, boot, change, copyOf, insert, request, restored, rows, VOLUME } from "./restore";

const NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;
const ARCHIVE = `${VOLUME}/archive/18`;

describe("image: the plan of a restore from a large archive", () => {
  const store = largeArchive(300_000);

  before(() => store.start());
  after(() => store.stop());

  /** Checks whether a clone would be accepted. */
  const preflight = (more: string[] = []) =>
    runOnce(
      [...store.options(), "--memory", "256m", "--memory-swap", "256m", ...more],
      ["restore.sh", "--preflight"],
    );

  it("of 300,000 segments fits into 256 MiB, and has room for the WAL that the server keeps", async () => {
    const plain = await preflight();
    expect(plain.code, plain.stderr).to.equal(0);
    expect(plain.stderr).to.match(/clone would use base_000000010000000000000002 and timeline 1/);
    expect(plain.stderr).to.contain("to 2026-12-01 00:00:00+00; base backups");
    const settings = newFolder({});
    writeFileSync(join(settings, "large.conf"), "max_wal_size = '20GB'\nwal_keep_size = '3GB'\n");
    const more = await preflight(["-v", `${settings}:/etc/postgresql/conf.d:ro`]);
    const needed = ({ stderr }: { stderr: string }) => Number(stderr.match(/room needed (\d+) MiB/)?.[1]);
    expect(needed(more) - needed(plain), more.stderr).to.equal(22 * 1024);
    expect(needed(plain)).to.equal(20 + 1024 + (10 + 2) * 16);
  }).timeout("5m");
});

describe("image: the plan of a restore", () => {
  /** Ten rows and a base backup; rows up to 20; restored to 13, and rows from 101 on; the old ones are abandoned. */
  let volume: string;
  const moments: Record<"abandoned" | "restored" | "later", string> = {
    abandoned: "",
    restored: "",
    later: "",
  };

  before(async function () {
    this.timeout("5m");
    volume = await newVolume();
    const database = await boot(volume, { WALG_WITHOUT_FILES_METADATA: "true" });
    await database.sql("CREATE TABLE rows (n int PRIMARY KEY)");
    await insert(database, 1, 10);
    await backup(database);
    await insert(database, 11, 13);
    const target = await database.sql(`SELECT ${NOW}`);
    await insert(database, 14, 17);
    moments.abandoned = await database.sql(`SELECT ${NOW}`);
    await insert(database, 18, 20);
    await database.stop();
    await database.remove();
    const again = await boot(volume, request(target));
    await restored(again);
    await insert(again, 101, 104);
    moments.restored = await again.sql(`SELECT ${NOW}`);
    await insert(again, 105, 106);
    moments.later = await again.sql(`SELECT ${NOW}`);
    await again.stop();
    await again.remove();
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  /** Fills an empty volume from the archive of a volume. Returns its rows. */
  async function cloned(from: string, variables: Record<string, string>): Promise<string> {
    const own = { WALG_FILE_PREFIX: `${VOLUME}/own`, BACKUP_SCHEDULE: "external", POSTGRES_PASSWORD: "new" };
    const mounts = ["-v", `${from}:/source:ro`, "-v", `${await newVolume()}:${VOLUME}`];
    const wanted = { ...own, CLONE_FROM: "/source/archive/18", ...variables };
    const database = await Container.start([...mounts, ...environment(wanted)]);
    await database.isUp();
    const found = await rows(database);
    await database.remove();
    return found;
  }

  it("follows an archive that was copied without its times to the timeline that was in use then", async () => {
    const copy = await copyOf(volume);
    await change(
      copy,
      `find ${ARCHIVE} -type f -exec touch -d '2030-01-01' {} +; touch -d '2020-01-01' ${ARCHIVE}/wal_005/*[13579].lz4`,
    );
    expect(await cloned(copy, { CLONE_TO: moments.restored })).to.equal("17..104");
    expect(await cloned(copy, { CLONE_TO: moments.abandoned })).to.equal("17..17");
  });

  it("to the latest follows what the archive says lives, not the highest timeline", async () => {
    const copy = await copyOf(volume);
    expect(await cloned(copy, {})).to.equal("19..106");
    await change(
      copy,
      `mkdir -p ${ARCHIVE}/postgres-stack; echo '{"timeline":1,"uuid":"x","at":1}' >${ARCHIVE}/postgres-stack/live.json`,
    );
    expect(await cloned(copy, {})).to.equal("20..20");
  });

  /** Changes the files of the stopped database, and expects an answer of the preflight. */
  async function says(pattern: RegExp, script: string): Promise<void> {
    const copy = await copyOf(volume);
    await change(copy, script);
    const mounts = ["-v", `${copy}:${VOLUME}:ro`, "--tmpfs", "/run/postgres-stack:uid=999,mode=0700"];
    const variables = { WALG_FILE_PREFIX: `${VOLUME}/archive`, ...request("latest", { RESTORE_ID: "two" }) };
    const { stderr } = await runOnce([...mounts, ...environment(variables)], ["restore.sh", "--preflight"]);
    expect(stderr, stderr).to.match(pattern);
  }

  /** Goes to the folder of base backups; sets $newest. */
  const THERE = `cd ${ARCHIVE}/basebackups_005; newest="$(ls -d base_*[0-9A-F]/ | tail -n 1)"; newest="\${newest%/}"`;
  /** As in an archive of an earlier version of the image, which lacks them. */
  const NO_MANIFESTS = "rm -rf ../postgres-stack/backups";

  it("does not take a base backup for whole whose list of parts is cut short, or missing", async () => {
    const theirs = `${THERE}; ${NO_MANIFESTS}`;
    await says(/would use base_00000002/, THERE);
    await says(/would use base_00000002/, theirs);
    await says(
      /base_00000002\w+ is damaged: the list of its parts \(files_metadata.json\) ends early, or is none; looking for an older one.*would use base_00000001/s,
      `${theirs}; truncate -s -100 $newest/files_metadata.json`,
    );
    await says(
      /base_00000002\w+ is damaged: the list of its parts, files_metadata.json, is missing/,
      `${theirs}; rm $newest/files_metadata.json`,
    );
    // half a manifest says nothing about the base backup
    await says(/would use base_00000002/, `${THERE}; truncate -s 60 ../postgres-stack/backups/$newest.json`);
    await says(
      /its part part_001\S+ has \d+ bytes, not \d+/,
      `${THERE}; truncate -s -1 $newest/tar_partitions/part_001*`,
    );
  });

  it("takes a base backup without such a list for whole only with every byte that was sent", async () => {
    const old = `${THERE}; ${NO_MANIFESTS}; rm -r "$newest"*`;
    await says(/would use base_00000001/, old);
    await says(/is damaged: its part/, `${old}; rm */tar_partitions/part_001*`);
    await says(/bytes, and \d+ were sent/, `${old}; truncate -s -100 */tar_partitions/part_001*`);
  });
});
