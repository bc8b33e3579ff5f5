import { expect } from "chai";
import type { Result } from "../../local/process";
import { skip } from "../lib/skip";
import { type Container, environment, newVolume, runOnce } from "./docker";
import "./hooks";
import { imageOf, needMajors } from "./majors";
import { copyOf, insert, VOLUME } from "./restore";
import {
  ask,
  bootMajor,
  content,
  keptPrograms,
  ROWS,
  refused,
  serveOld,
  sharesBlocks,
  upgrade,
  upgradeCopy,
  upgradeDone,
  upgraded,
  withOwnExtension,
  withShop,
} from "./upgrade";

const RECORDS = `${VOLUME}/.postgres-stack`;
const OLD_DATA = `${VOLUME}/17/docker`;
const REINDEX = { PG_REINDEX_COLLATIONS: "true" };

describe("image: a major upgrade", function () {
  this.timeout("5m");
  const shop = withShop();

  /** Rows, sequences, settings, plans, and every index compared with its table. */
  const keepsEverything = async (server: Container) => {
    expect(await content(server)).to.equal(shop.content);
    expect(await ask(server, "shop", "SELECT nextval('t1_id_seq')")).to.equal(String(ROWS + 1));
    await ask(server, "shop", `SELECT setval('t1_id_seq', ${ROWS})`);
    expect(await server.sql("SHOW random_page_cost")).to.equal("1.5");
    const plan = await ask(server, "shop", "EXPLAIN SELECT * FROM t1 WHERE id = 7");
    expect(plan).to.contain("Index Scan using t1_pkey");
    const check = await server.bash("pg_amcheck -U postgres --all --heapallindexed");
    expect(check.code, check.stdout + check.stderr).to.equal(0);
  };

  const upgradeShop = (variables: Record<string, string> = {}) => upgradeCopy(shop.volume, variables);

  let linked: string | undefined;
  /** A copy of a volume upgraded with links: from the test that does this, if it has run. */
  const copyOfLinked = async () => {
    if (!linked) {
      const { volume, server } = await upgradeShop();
      await keptPrograms(server);
      await server.end();
      linked = volume;
    }
    return copyOf(linked);
  };

  for (const mode of ["link", "copy", "clone"]) {
    it(`keeps everything, with mode ${mode}`, async function () {
      if (mode === "clone" && !(await sharesBlocks(shop.volume)))
        skip(this, "files on Docker's volumes can't share blocks");
      const { volume, server } = await upgradeShop({ PG_UPGRADE_MODE: mode });
      await keepsEverything(server);
      expect((await server.login("postgres", "new")).code).to.equal(0);
      const backups = await server.bash(". /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
      expect(backups.stdout).to.contain("base_");
      expect((await server.bash(`ls -d ${OLD_DATA}* ${RECORDS}/binaries/17-*`)).stdout).to.equal("");
      await server.end();

      const again = await bootMajor(18, volume, upgrade({ ...REINDEX, PG_UPGRADE_MODE: mode }));
      expect(await again.logs()).to.contain("upgrade one is done since");
      await keptPrograms(again);
      await again.end();
      if (mode === "link") linked = volume;
    });
  }

  it("goes on to 19", async function () {
    needMajors(this, 19);
    const next = await bootMajor(19, await copyOfLinked(), upgrade({ PG_UPGRADE: "two", ...REINDEX }));
    await upgraded(next);
    await keepsEverything(next);
    await next.remove();
  });

  it("takes a base backup first when the last is older than PG_UPGRADE_BACKUP_MAX_AGE", async () => {
    const wanted = upgrade({ ...REINDEX, PG_UPGRADE_BACKUP_MAX_AGE: "0" });
    const server = await bootMajor(18, await copyOf(shop.volume), wanted);
    await upgradeDone(server);
    expect(await server.logs()).to.match(
      /ended \d+ s ago, more than .*taking a base backup of PostgreSQL 17 first/,
    );
    await server.remove();
  });

  it("is not disturbed by what a database sets for its sessions", async () => {
    const volume = await copyOf(shop.volume);
    const old = await bootMajor(17, volume);
    await old.sql("ALTER DATABASE shop SET default_transaction_read_only = on");
    await old.sql("ALTER DATABASE shop SET statement_timeout = '1ms'");
    await old.stop();
    await old.remove();
    const server = await bootMajor(18, volume, upgrade(REINDEX));
    await upgradeDone(server);
    const version =
      "SET statement_timeout = 0; SELECT extversion FROM pg_extension WHERE extname = 'pg_stat_statements'";
    expect(await ask(server, "shop", version)).to.equal("1.12");

    await server.remove();
  });

  it("asks for no leave where text has the order of its bytes", async () => {
    const volume = await newVolume();
    const bytes = { POSTGRES_INITDB_ARGS: "--encoding=UTF8 --locale=C" };
    const old = await bootMajor(17, volume, bytes);
    await old.sql("CREATE TABLE words (word text PRIMARY KEY); INSERT INTO words VALUES ('a'), ('B')");
    await keptPrograms(old);
    await old.stop();
    await old.remove();
    const server = await bootMajor(18, volume, upgrade(bytes));
    await upgradeDone(server);
    expect(await server.sql("SELECT string_agg(word, ' ' ORDER BY word) FROM words")).to.equal("B a");
    await server.remove();
  });

  describe("is undone by the old image", () => {
    it("with the kept copy", async () => {
      const { volume, server } = await upgradeShop({ PG_UPGRADE_MODE: "copy", PG_UPGRADE_KEEP_OLD: "true" });
      await server.stop();
      await server.remove();
      const old = await serveOld(volume, shop.content, upgrade({ PG_UPGRADE_UNDO: "true" }));
      expect(await old.logs()).to.contain("upgrade one undone: the data from before it serve again");
      await old.stop();
      await old.remove();
      const { stderr } = await refused(volume, upgrade());
      expect(stderr).to.contain("upgrade one was undone").and.to.contain("choose a new id");
    });

    it("with the newest backup, after a link", async () => {
      const volume = await copyOfLinked();
      const server = await bootMajor(18, volume, upgrade(REINDEX));
      await server.sql("CREATE TABLE later ()");
      await server.end();
      const old = await serveOld(volume, shop.content, upgrade({ PG_UPGRADE_UNDO: "true" }));
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

  it("that pg_upgrade refuses leaves the old image serving, and its id used", async () => {
    const volume = await copyOf(shop.volume);
    const old = await bootMajor(17, volume);
    const library = "/usr/lib/postgresql/17/lib";
    expect((await old.exec("cp", `${library}/pg_trgm.so`, `${library}/ours.so`)).code).to.equal(0);
    await ask(old, "shop", "CREATE FUNCTION ours() RETURNS real AS '$libdir/ours', 'show_limit' LANGUAGE C");
    await old.stop();
    await old.start(); // keeps the programs again, with the library
    await old.isUp();
    await old.logged(/kept on the volume for a later upgrade/);
    await old.stop();
    const failed = await refused(volume, upgrade(REINDEX));
    expect(failed.stderr).to.match(
      /upgrade one failed: pg_upgrade: .*could not load library "\$libdir\/ours"/,
    );
    expect(failed.stderr).to.contain("Put the image of PostgreSQL 17 back, it serves on");
    const again = await refused(volume, upgrade(REINDEX));
    expect(again.stderr).to.contain("upgrade one was failed").and.to.contain("choose a new id");
    await old.start();
    await old.isUp();
    expect(await content(old)).to.equal(shop.content);
    await old.remove();
  });

  describe("that is rehearsed", () => {
    /** Clones the archive of a volume into an empty one and upgrades that. */
    const rehearse = async (volume: string): Promise<Result> => {
      const archive = { WALG_FILE_PREFIX: "/from/archive", BACKUP_SCHEDULE: "external" };
      const mounts = ["-v", `${volume}:/from`, "-v", `${await newVolume()}:${VOLUME}`];
      const arguments_ = [...mounts, ...environment({ ...archive, POSTGRES_PASSWORD: "new" })];
      const cloned = await runOnce(arguments_, ["upgrade.sh", "--clone-for-rehearsal"], await imageOf(17));
      expect(cloned.code, cloned.stderr.slice(-2000)).to.equal(0);
      return runOnce(arguments_, ["upgrade.sh", "--rehearse"]);
    };

    it("leaves the archive as it is, and reports steps, room, warnings, extensions and collations", async () => {
      const volume = await copyOf(shop.volume);
      const files = () => runOnce(["-v", `${volume}:/from:ro`], ["find", "/from/archive", "-type", "f"]);
      const before = await files();
      const { code, stdout, stderr } = await rehearse(volume);
      expect(code, stderr.slice(-2000)).to.equal(0);
      expect(stdout).to.match(/^# Rehearsal of the upgrade from PostgreSQL 17 to 18/);
      expect(stdout).to.match(/\| pg_upgrade \| \d+ \|.*Room used .*: \d+ MiB/s);
      expect(stdout).to.contain("- shop: pg_trgm ").and.to.contain("shop: public.names_icu");
      expect((await files()).stdout).to.equal(before.stdout);
    });

    it("fails where the image lacks an extension, and names it", async () => {
      const volume = await copyOf(shop.volume);
      const server = await bootMajor(17, volume);
      await withOwnExtension(server);
      const { code, stderr } = await server.exec("backup.sh");
      expect(code, stderr).to.equal(0);
      await server.stop();
      await server.remove();
      const rehearsed = await rehearse(volume);
      expect(rehearsed.code).to.equal(1);
      expect(rehearsed.stderr).to.contain("lacks extensions that are in use: ours (database shop)");
    });
  });
});
