import { expect } from "chai";
import { until } from "../../local/process";
import { Container, environment, newVolume, runOnce } from "./docker";
import { copyOf, VOLUME } from "./restore";
import "./hooks";
import {
  backup,
  type Database,
  Databases,
  expectStranger,
  identity,
  SERVES,
  waiting,
  writes,
} from "./owners";

describe("image: an archive's identity", function () {
  this.timeout("6m"); // several starts each
  let databases: Databases;
  let shop: Database;
  let other: Database;

  before(async function () {
    this.timeout("5m");
    databases = await Databases.create();
    shop = await databases.withBackup("shop", { VOLUME_OWNER: "shop/prod" });
    other = await databases.withBackup("other");
  });

  it("keeps a running database off another's archive, to which its prefix was edited", async () => {
    const before = await databases.content("shop");
    const container = await databases.start({ ...other, prefix: "shop" });
    await expectStranger(container);
    expect(await container.logs()).to.match(
      /ERROR \[entrypoint\] the archive is not this database's: it belongs to shop\/prod .* serves on/,
    );
    await container.end();
    expect(await databases.content("shop")).to.equal(before);
  });

  it("lets it archive on once its own prefix is back, and the other never stops", async () => {
    for (const database of [other, shop]) {
      const container = await databases.start(database);
      expect(await identity(container)).to.equal("owner");
      await writes(container);
      await until("all is archived", async () => (await waiting(container)) === "0");
      await backup(container);
      await container.end();
    }
  });

  it("is taken by the first start of an image that knows it, and keeps others off from then on", async () => {
    await databases.forget("shop", [shop.volume]);
    const stray = await databases.start({ ...other, prefix: "shop" });
    await expectStranger(stray);
    expect(await stray.logs()).to.contain("what it holds is of system");
    await stray.end();
    const container = await databases.start(shop);
    expect(await identity(container)).to.equal("owner");
    await backup(container);
    await container.end();
    const again = await databases.start({ ...other, prefix: "shop" });
    await expectStranger(again);
    await again.end();
  });

  it("is one of two new databases' that are started at the same moment, and both keep their backups", async () => {
    const fresh = await Promise.all(
      [1, 2].map(async () => ({
        volume: await newVolume(),
        prefix: "one",
        container: undefined as Container | undefined,
      })),
    );
    for (const database of fresh) database.container = await Container.start(databases.options(database));
    const containers = fresh.map(({ container }) => container as Container);
    const up = await Promise.all(
      containers.map((container) => container.logged(SERVES, 120).catch(() => "")),
    );
    const serving = containers.filter((_, index) => up[index]);
    expect(serving).not.to.have.length(0);
    await Promise.all(
      serving.map((container) =>
        until("it is known whose the archive is", async () =>
          /^(owner|stranger)/.test(await identity(container)),
        ),
      ),
    );
    for (let round = 0; round < 2; round++) {
      const codes = await Promise.all(
        serving.map(async (container) => (await container.exec("backup.sh")).code),
      );
      expect(codes.filter((code) => code === 0)).to.have.length(1);
    }
    const owner = await Promise.all(serving.map(identity));
    expect(owner.filter((word) => word === "owner")).to.have.length(1);
    for (const container of containers) await container.remove();
  });

  it("keeps the clone off its source's archive, though both are of one system", async () => {
    const clone = {
      volume: await newVolume(),
      prefix: "clone",
      variables: { CLONE_FROM: "/backups/other/18" },
    };
    const container = await databases.start(clone);
    await until("its own archive has a backup", async () => {
      return (await container.exec("test", "-e", `${VOLUME}/.postgres-stack/restore`)).code === 1;
    });
    expect(await identity(container)).to.equal("owner");
    await container.end();
    const before = await databases.content("other");
    for (const forget of [false, true]) {
      if (forget) await databases.forget("other", [clone.volume]);
      const edited = await databases.start({ ...clone, prefix: "other" });
      await expectStranger(edited);
      await edited.end();
    }
    expect(await databases.content("other")).to.equal(before);
    const source = await databases.start(other);
    await backup(source);
    await source.end();
  });

  it("keeps off a copy of the volume that writes other WAL, and the copy serves", async () => {
    const copy = { ...other, volume: await copyOf(other.volume) };
    // the copy writes a segment that retention would have removed by then
    const container = await databases.start({ ...other, variables: { BACKUP_RETAIN: "9" } });
    await backup(container);
    const before = await databases.content("other");
    const second = await databases.start(copy);
    await writes(second);
    await second.logged(/ERROR \[archive-wal\] \S+ refused: the archive holds another segment of this name/);
    const { code, stderr } = await second.exec("backup.sh");
    expect(code).to.equal(1);
    expect(stderr).to.contain("a copy of this volume, writes there");
    expect(await second.sql("SELECT 1")).to.equal("1");
    await second.end();
    expect(await databases.content("other")).to.equal(before);
    await backup(container);
    await container.end();
  });

  it("is not claimed by data that were fetched by hand, but for an order to take it over", async () => {
    const volume = await newVolume();
    const { stdout: backups } = await runOnce(
      ["-v", `${databases.archives}:/backups`],
      ["bash", "-c", "ls /backups/other/18/basebackups_005 | grep -o '^base_[0-9A-F]*' | sort -u"],
    );
    expect(backups).to.match(/^base_/);
    const script = "wal-g backup-fetch $PGDATA LATEST && touch $PGDATA/recovery.signal";
    const store = environment({ WALG_FILE_PREFIX: "/backups/other/18" });
    const mounts = ["-v", `${volume}:${VOLUME}`, "-v", `${databases.archives}:/backups`];
    const fetched = await runOnce([...store, ...mounts], ["gosu", "postgres", "sh", "-c", script]);
    expect(fetched.code, fetched.stderr).to.equal(0);

    const container = await databases.start({ volume, prefix: "other" });
    await expectStranger(container);
    const taken = await container.exec("backup.sh", "--take-over");
    expect(taken.code, taken.stderr).to.equal(0);
    expect(await identity(container)).to.equal("owner");
    await writes(container);
    await until("all is archived", async () => (await waiting(container)) === "0", 120);
    await backup(container);
    await container.end();

    const former = await databases.start(other);
    expect(await identity(former)).to.match(/^stranger: /);
    const refused = await former.exec("backup.sh", "--take-over");
    expect(refused.code, "it may take it back").to.equal(0);
    await former.end();
  });

  it("is not taken over by order from a stack that has another name, or from another system", async () => {
    const container = await databases.start({ ...other, prefix: "shop" });
    const { code, stderr } = await container.exec("backup.sh", "--take-over");
    expect(code).to.equal(1);
    expect(stderr).to.contain("the archive was not taken over: it belongs to shop/prod");
    await container.end();
  });

  it("that can't be asked delays no start for long, and deletes and stores nothing", async () => {
    const listener = "\\$s = IO::Socket::INET->new(Listen => 9, LocalAddr => '127.0.0.1:9999'); sleep 600";
    const entry = `perl -MIO::Socket::INET -e "${listener}" & exec entrypoint.sh postgres`;
    const store = environment({
      POSTGRES_PASSWORD: "secret",
      BACKUP_SCHEDULE: "external",
      WALG_S3_PREFIX: "s3://bucket/one",
      AWS_ENDPOINT: "http://127.0.0.1:9999",
      AWS_ACCESS_KEY_ID: "none",
      AWS_SECRET_ACCESS_KEY: "none",
      AWS_REGION: "none",
    });
    const container = await Container.start(
      ["-v", `${other.volume}:${VOLUME}`, ...store],
      ["bash", "-c", entry],
    );
    await container.logged(/WARN \[entrypoint\] whether the archive is this database's is not known yet/, 60);
    await container.logged(/roles and passwords are in step/, 60);
    expect(await identity(container)).to.match(/^unknown: no answer within \d+ s/);
    await container.kill("KILL");
    await container.remove();
  });
});
