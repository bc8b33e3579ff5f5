import { expect } from "chai";
import { StoreProxy } from "../lib/proxy";
import { Container, environment, runOnce } from "./docker";
import {
  backup,
  backups,
  boot,
  change,
  copyOf,
  type Prepared,
  prepare,
  request,
  restored,
  VOLUME,
} from "./restore";
import { needStore } from "./store";
import "./hooks";

const { S3_ENDPOINT = "", S3_BUCKET, S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
const RETAIN = { BACKUP_RETAIN: "2" };

/** The last good backup in the volume's record, and the result of its retention. */
async function last(database: Container): Promise<{ name: string; retention: string }> {
  const [good = "", retention = ""] = (
    await database.exec("cat", `${VOLUME}/.postgres-stack/last-backup`)
  ).stdout.split("\n");
  return { name: good.split(" ")[3] ?? "", retention };
}

describe("image: retention", () => {
  let prepared: Prepared;
  let restoredVolume: string;

  before("a database that was restored, with a backup of its second timeline", async function () {
    this.timeout("5m");
    prepared = await prepare();
    restoredVolume = await copyOf(prepared.volume);
    const database = await boot(restoredVolume, request("latest"));
    await restored(database);
    await database.end();
  });

  /** Three nights; after each, the new backup exists, and the newest moment can be restored. */
  async function keepsTheLiving(database: Container): Promise<void> {
    for (let night = 0; night < 3; night++) {
      await backup(database);
      const { name, retention } = await last(database);
      expect(await backups(database)).to.include(name);
      expect(retention).to.match(/^retention done: /);
      const { code, stderr } = await database.exec("restore.sh", "--check", "--to", "latest");
      expect(code, stderr).to.equal(0);
      expect(stderr).to.contain(`would use ${name} `);
    }
  }

  it("keeps the newest backups of the live history after an undo, and the abandoned ones go", async () => {
    const volume = await copyOf(restoredVolume);
    const database = await boot(volume, request("latest", { ...RETAIN, RESTORE_UNDO: "true" }));
    const abandoned = (await backups(database)).filter((name) => name.startsWith("base_00000002"));
    expect(abandoned).to.have.length(1);
    await keepsTheLiving(database);
    const kept = await backups(database);
    expect(kept).to.have.length(2);
    expect(kept).not.to.include(abandoned[0]);
    await database.end();
  });

  it("keeps them on a volume that an earlier version of the image has undone, back to timeline 1", async () => {
    const volume = await copyOf(restoredVolume);
    await change(
      volume,
      `cd ${VOLUME}/18; mv docker docker.undone; mv docker.pre-restore docker
       rm -rf ${VOLUME}/archive/18/postgres-stack ${VOLUME}/.postgres-stack/archive`,
    );
    const database = await boot(volume, RETAIN);
    expect(await database.sql("SELECT timeline_id FROM pg_control_checkpoint()")).to.equal("1");
    await keepsTheLiving(database);
    await database.end();
  });

  it("keeps what somebody reads, as long as that is announced", async () => {
    const volume = await copyOf(prepared.volume);
    const database = await boot(volume, { BACKUP_RETAIN: "1" });
    const [oldest = ""] = await backups(database);
    const reader = (seconds: number) =>
      database.bash(`set -Eeuo pipefail; LIB=/usr/local/bin/lib; COMPONENT=test
        for part in common/{log,attempt,record,watch,environment} archive/{walg,objects,identity,claim,marks}; do . $LIB/$part.sh; done
        attempt add_reader $WALG_ENV 1-2-3 ${oldest} ${seconds} a-test; exit $STATUS`);
    const added = await reader(600);
    expect(added.code, added.stderr).to.equal(0);
    await backup(database);
    expect(await backups(database))
      .to.have.length(2)
      .and.to.include(oldest);
    expect((await reader(-1)).code).to.equal(0);
    await backup(database);
    expect(await backups(database)).to.have.length(1);
    const manifests = await database.bash(`ls ${VOLUME}/archive/18/postgres-stack/backups`);
    expect(manifests.stdout).to.equal(`${(await last(database)).name}.json`);
    await database.end();
  });

  it("deletes nothing where a reader's announcement can't be read", async () => {
    const volume = await copyOf(prepared.volume);
    const database = await boot(volume, { BACKUP_RETAIN: "1" });
    const before = await backups(database);
    await database.bash(
      `mkdir -p ${VOLUME}/archive/18/postgres-stack/readers; echo '{"backup": "ba' >${VOLUME}/archive/18/postgres-stack/readers/half.json`,
    );
    await backup(database);
    expect(await backups(database)).to.include.members(before);
    expect((await last(database)).retention).to.match(/^retention failed: a reader of the archive/);
    await database.end();
  });

  it("deletes no WAL that a kept backup needs, and that which none needs", async () => {
    const volume = await copyOf(prepared.volume);
    const database = await boot(volume, { BACKUP_RETAIN: "1" });
    await backup(database);
    const { name } = await last(database);
    const segments = await database.bash(
      `ls ${VOLUME}/archive/18/wal_005 | grep -o '^[0-9A-F]\\{24\\}' | sort -u`,
    );
    expect(segments.stdout.split("\n")[0]).to.equal(name.slice("base_".length));
    await database.end();
  });
});

describe("image: retention without the right to delete", () => {
  const folder = `retention-${process.pid}-${Date.now()}`;
  let proxy: StoreProxy;

  before(async function () {
    needStore(this);
    proxy = new StoreProxy(new URL(S3_ENDPOINT));
    await proxy.start();
  });

  const store = (endpoint: string, prefix: string) =>
    environment({
      WALG_S3_PREFIX: prefix,
      AWS_ENDPOINT: endpoint,
      AWS_REGION: "us-east-1",
      AWS_S3_FORCE_PATH_STYLE: "true",
      AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY,
    });

  after(async () => {
    if (!proxy) return;
    await proxy.stop();
    await runOnce(store(S3_ENDPOINT, `s3://${S3_BUCKET}`), ["wal-g", "st", "rm", `${folder}/`]);
  });

  it("leaves each backup good and the Job complete, and says that it failed", async () => {
    proxy.forbidDeletes();
    const settings = { POSTGRES_PASSWORD: "secret", BACKUP_SCHEDULE: "external", BACKUP_RETAIN: "1" };
    const database = await Container.ready([
      ...environment(settings),
      ...store(proxy.endpoint, `s3://${S3_BUCKET}/${folder}`),
    ]);
    await backup(database);
    const first = await last(database);
    expect(first.retention).to.equal("retention done: deleted 0");
    const { code, stderr } = await database.exec("backup.sh");
    expect(code, stderr).to.equal(0);
    const second = await last(database);
    expect(second.name).not.to.equal(first.name);
    expect(second.retention).to.match(/^retention failed: base backup base_\w+ can't be deleted/);
    expect(await backups(database)).to.have.length(2);
    await database.remove();
  });
});
