import { expect } from "chai";
import type { Result } from "../lib/process";
import { Container, environment, runOnce } from "./docker";
import "./hooks";
import { imageOf, majorsAreThere, removeMajors } from "./majors";
import { change, copyOf, insert, isUp, options, VOLUME } from "./restore";
import { storeIsThere } from "./store";
import { ask, bootMajor, content, keptPrograms, prepareShop, upgrade, upgraded } from "./upgrade";

const RECORDS = `${VOLUME}/.postgres-stack`;
const OLD_DATA = `${VOLUME}/17/docker`;
const REINDEX = { PG_REINDEX_COLLATIONS: "true" };

describe("image: a major upgrade", function () {
  this.timeout("5m");
  let shop: { volume: string; content: string };

  before("a database of PostgreSQL 17", async function () {
    if (!majorsAreThere(17)) this.skip();
    shop = await prepareShop(17);
  });

  after(removeMajors);

  /** Runs the image of 18 on a volume until it has refused to start. */
  const refused = async (volume: string, variables: Record<string, string>): Promise<Result> => {
    const result = await runOnce(options(volume, variables));
    expect(result.code, result.stderr.slice(-2000)).to.equal(1);
    return result;
  };

  /** The old image serves all data of the volume. */
  const oldServes = async (volume: string, variables: Record<string, string> = {}): Promise<Container> => {
    const server = await bootMajor(17, volume, variables);
    expect(await content(server)).to.equal(shop.content);
    return server;
  };

  /** Upgrades a copy of the volume. */
  const upgradeCopy = async (variables: Record<string, string>) => {
    const volume = await copyOf(shop.volume);
    const server = await bootMajor(18, volume, upgrade({ ...REINDEX, ...variables }));
    await upgraded(server);
    return { volume, server };
  };

  for (const mode of ["link", "copy"]) {
    it(`keeps everything, with mode ${mode}`, async () => {
      const { volume, server } = await upgradeCopy({ PG_UPGRADE_MODE: mode });
      expect(await content(server)).to.equal(shop.content);
      expect(await ask(server, "shop", "SELECT nextval('t1_id_seq')")).to.equal("201");
      expect(await server.sql("SHOW random_page_cost")).to.equal("1.5");
      const plan = await ask(server, "shop", "EXPLAIN SELECT * FROM t1 WHERE id = 7");
      expect(plan).to.contain("Index Scan using t1_pkey");
      const check = await server.bash("pg_amcheck -U postgres --all --heapallindexed");
      expect(check.code, check.stdout + check.stderr).to.equal(0);
      expect((await server.login("postgres", "new")).code).to.equal(0);
      const backups = await server.bash(". /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
      expect(backups.stdout).to.contain("base_");
      expect((await server.bash(`ls -d ${OLD_DATA}* ${RECORDS}/binaries/17-*`)).stdout).to.equal("");
      await server.stop();
      await server.remove();

      const again = await bootMajor(18, volume, upgrade({ ...REINDEX, PG_UPGRADE_MODE: mode }));
      expect(await again.logs()).to.contain("upgrade one is done since");
      await again.remove();
    });
  }

  it("goes on to 19", async function () {
    if (!majorsAreThere(19)) this.skip();
    const { volume, server } = await upgradeCopy({});
    await keptPrograms(server);
    await server.stop();
    await server.remove();
    const next = await bootMajor(19, volume, upgrade({ PG_UPGRADE: "two", ...REINDEX }));
    await upgraded(next);
    expect(await content(next)).to.equal(shop.content);
    await next.remove();
  });

  it("takes a base backup first when the last is older than PG_UPGRADE_BACKUP_MAX_AGE", async () => {
    const { server } = await upgradeCopy({ PG_UPGRADE_BACKUP_MAX_AGE: "0" });
    expect(await server.logs()).to.match(
      /ended \d+ s ago, more than .*taking a base backup of PostgreSQL 17 first/,
    );
    await server.remove();
  });

  describe("is undone by the old image", () => {
    it("with the kept copy", async () => {
      const { volume, server } = await upgradeCopy({ PG_UPGRADE_MODE: "copy", PG_UPGRADE_KEEP_OLD: "true" });
      await server.stop();
      await server.remove();
      const old = await oldServes(volume, upgrade({ PG_UPGRADE_UNDO: "true" }));
      expect(await old.logs()).to.contain("upgrade one undone: the data from before it serve again");
      await old.stop();
      await old.remove();
      const { stderr } = await refused(volume, upgrade());
      expect(stderr).to.contain("upgrade one was undone").and.to.contain("choose a new id");
    });

    it("with the newest backup, after a link", async () => {
      const { volume, server } = await upgradeCopy({});
      await server.sql("CREATE TABLE later ()");
      await server.stop();
      await server.remove();
      const old = await oldServes(volume, upgrade({ PG_UPGRADE_UNDO: "true" }));
      await old.logged(/upgrade one undone: the newest data of PostgreSQL 17 were restored/);
      expect(await old.sql("SELECT to_regclass('later')")).to.equal("");
      await old.sql("CREATE TABLE rows (n int)");
      await insert(old, 1, 2);
      await old.stop();
      await old.remove();
      const again = await bootMajor(17, volume, upgrade({ PG_UPGRADE_UNDO: "true" }));
      expect(await again.sql("SELECT count(*) FROM rows")).to.equal("2");
      expect(await again.logs()).to.contain("upgrade one is undone since");
      await again.remove();
    });
  });

  it("is not begun without a request, and says how to ask for it", async () => {
    const volume = await copyOf(shop.volume);
    const { stderr } = await refused(volume, {});
    expect(stderr).to.contain("the volume holds data of PostgreSQL 17").and.to.contain("PG_UPGRADE=<id>");
    await (await oldServes(volume)).remove();
  });

  it("is no downgrade", async () => {
    const { volume, server } = await upgradeCopy({});
    await server.stop();
    await server.remove();
    const { stderr } = await runOnce(options(volume, upgrade({ PG_UPGRADE: "down" })), [], await imageOf(17));
    expect(stderr).to.match(
      /the volume holds PostgreSQL 18 in \S+, so there is nothing to upgrade to PostgreSQL 17/,
    );
  });

  describe("is refused before anything is touched, while the old image serves on", () => {
    const file = `${RECORDS}/binaries/17-*/usr/lib/postgresql/17/bin/postgres`;
    const cases: [string, Record<string, string>, string, RegExp][] = [
      [
        "when the programs of the old major are missing",
        {},
        `rm -r ${RECORDS}/binaries`,
        /are not on the volume: start the image of PostgreSQL 17/,
      ],
      ["when they are damaged", {}, `echo x >>${file}`, /are damaged .*bin\/postgres.*it keeps them anew/],
      ["without a backup", { WALG_FILE_PREFIX: "", BACKUP_SCHEDULE: "" }, ":", /no backup is configured/],
      [
        "when the new archive holds something",
        {},
        `mkdir -p ${VOLUME}/archive/18/wal_005; touch ${VOLUME}/archive/18/wal_005/x`,
        /the archive \S+\/18 already holds data/,
      ],
      ["with the mode swap", { PG_UPGRADE_MODE: "swap" }, ":", /swap takes the old data apart.*link/],
      [
        "when indexes would be in another order, which it lists",
        { PG_REINDEX_COLLATIONS: "false" },
        ":",
        /glibc 2\.\d+ -> 2\.\d+.*indexes: 22 .*shop: public.names_icu, shop: public.t\d+_name_idx.*PG_REINDEX_COLLATIONS=true/,
      ],
    ];
    for (const [when, variables, prepare, message] of cases) {
      it(when, async () => {
        const volume = await copyOf(shop.volume);
        await change(volume, prepare);
        const { stderr } = await refused(volume, upgrade({ ...REINDEX, ...variables }));
        expect(stderr).to.match(message);
        expect(stderr).not.to.match(/codes_c/);
        await (await oldServes(volume)).remove();
      });
    }

    it("when the store can't be reached", async function () {
      if (!storeIsThere) this.skip();
      const store = {
        WALG_FILE_PREFIX: "",
        WALG_S3_PREFIX: `s3://${process.env.S3_BUCKET}/upgrade-${process.pid}`,
        AWS_ENDPOINT: process.env.S3_ENDPOINT ?? "",
        AWS_REGION: "us-east-1",
        AWS_S3_FORCE_PATH_STYLE: "true",
        AWS_ACCESS_KEY_ID: "nobody",
        AWS_SECRET_ACCESS_KEY: "wrong",
      };
      const { stderr } = await refused(await copyOf(shop.volume), upgrade({ ...REINDEX, ...store }));
      expect(stderr).to.match(
        /upgrade one refused: the archive \S+\/18 can't be listed .*correct the prefix or the credentials/,
      );
    });

    it("when the data have no checksums", async () => {
      const volume = await copyOf(shop.volume);
      const disable = ["gosu", "postgres", "pg_checksums", "--disable", "-D", OLD_DATA];
      const { code, stderr: problem } = await runOnce(
        ["-v", `${volume}:${VOLUME}`],
        disable,
        await imageOf(17),
      );
      expect(code, problem).to.equal(0);
      const { stderr } = await refused(volume, upgrade(REINDEX));
      expect(stderr).to.match(/no page checksums.*pg_checksums --enable.*--no-data-checksums/);
    });

    it("while a transaction is prepared, or an extension is not in the image", async () => {
      const volume = await copyOf(shop.volume);
      const command = ["postgres", "-c", "max_prepared_transactions=5"];
      const server = await Container.start(options(volume), command, await imageOf(17));
      await isUp(server);
      const control = "/usr/share/postgresql/17/extension/ours";
      const { code } = await server.exec(
        "bash",
        "-c",
        `echo "default_version = '1'" >${control}.control; echo 'SELECT 1;' >${control}--1.sql`,
      );
      expect(code).to.equal(0);
      await ask(server, "shop", "CREATE EXTENSION ours");
      await ask(server, "shop", "BEGIN; DELETE FROM t1; PREPARE TRANSACTION 'half'");
      await server.stop();
      const prepared = await refused(volume, upgrade(REINDEX));
      expect(prepared.stderr).to.contain("half of postgres in shop").and.to.contain("ROLLBACK PREPARED");

      await server.start();
      await isUp(server);
      await ask(server, "shop", "ROLLBACK PREPARED 'half'");
      await server.stop();
      const lacking = await refused(volume, upgrade(REINDEX));
      expect(lacking.stderr).to.contain("lacks extensions that are in use: ours (database shop)");
      await server.start();
      await isUp(server);
      expect(await content(server)).to.equal(shop.content);
      await server.remove();
    });

    it("when copies of the data don't fit on the volume", async () => {
      const size = ["--tmpfs", `${VOLUME}:size=420m,exec`, "-v", `${shop.volume}:/from:ro`];
      const variables = { ...upgrade({ PG_UPGRADE_MODE: "copy", ...REINDEX }), POSTGRES_PASSWORD: "new" };
      const archive = { WALG_FILE_PREFIX: `${VOLUME}/archive`, BACKUP_SCHEDULE: "external" };
      const { code, stderr } = await runOnce(
        [...size, ...environment({ ...variables, ...archive })],
        ["bash", "-c", `cp -a /from/. ${VOLUME}/ && exec entrypoint.sh postgres`],
      );
      expect(code, stderr.slice(-2000)).to.equal(1);
      expect(stderr).to.match(
        /too small for mode copy: room needed \d+ MiB, found \d+ MiB; grow it, or use link/,
      );
    });

    it("when it would skip a major", async function () {
      if (!majorsAreThere(19)) this.skip();
      const { code, stderr } = await runOnce(
        options(await copyOf(shop.volume), upgrade()),
        [],
        await imageOf(19),
      );
      expect(code).to.equal(1);
      expect(stderr).to.contain("PostgreSQL 17 -> 19 is more than one major: upgrade to 18 first");
    });
  });
});
