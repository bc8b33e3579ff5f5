import { expect } from "chai";
import { type Result } from "../lib/process";
import { runOnce } from "./docker";
import "./hooks";
import { imageOf, majorsAreThere, removeMajors } from "./majors";
import { change, copyOf, options, VOLUME } from "./restore";
import { ask, bootMajor, content, prepareShop, upgrade, upgraded } from "./upgrade";

const RECORDS = `${VOLUME}/.postgres-stack`;

describe("image: a major upgrade", function () {
  let shop: { volume: string; content: string };

  before("a database of PostgreSQL 17", async function () {
    this.timeout("5m");
    if (!majorsAreThere(17)) this.skip();
    shop = await prepareShop(17);
  });

  after(removeMajors);

  /** Starts the image of 18 on a copy of the volume, changed before, and waits for its end. */
  const refused = async (
    variables: Record<string, string>,
    prepare = ":",
  ): Promise<Result & { volume: string }> => {
    const volume = await copyOf(shop.volume);
    await change(volume, prepare);
    const result = await runOnce(options(volume, variables));
    expect(result.code, result.stderr.slice(-2000)).to.equal(1);
    return { ...result, volume };
  };

  /** The old image serves all data of the volume. */
  const oldServes = async (volume: string, variables: Record<string, string> = {}) => {
    const server = await bootMajor(17, volume, variables);
    expect(await content(server)).to.equal(shop.content);
    await server.remove();
  };

  for (const mode of ["link", "copy"]) {
    it(`keeps everything, with mode ${mode}`, async function () {
      this.timeout("5m");
      const volume = await copyOf(shop.volume);
      const wanted = upgrade({ PG_UPGRADE_MODE: mode, PG_REINDEX_COLLATIONS: "true" });
      const server = await bootMajor(18, volume, wanted);
      await upgraded(server);
      expect(await content(server)).to.equal(shop.content);
      expect(await ask(server, "shop", "SELECT nextval('t1_id_seq')")).to.equal("201");
      const plan = await ask(server, "shop", "EXPLAIN SELECT * FROM t1 WHERE id = 7");
      expect(plan).to.contain("Index Scan using t1_pkey");
      const check = await server.bash("pg_amcheck -U postgres --all --heapallindexed");
      expect(check.code, check.stdout + check.stderr).to.equal(0);
      expect((await server.login("postgres", "new")).code).to.equal(0);
      const backups = await server.bash(". /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
      expect(backups.stdout).to.contain("base_");
      expect((await server.bash(`ls -d ${VOLUME}/17/docker* ${RECORDS}/binaries/17-*`)).stdout).to.equal("");
      await server.stop();
      await server.remove();

      const again = await bootMajor(18, volume, wanted);
      expect(await again.logs()).to.contain("upgrade one is done since");
      expect(await content(again)).to.contain(shop.content.split("\n")[1]);
      await again.remove();
    });
  }

  it("is not begun without a request, and says how to ask for it", async () => {
    const { stderr, volume } = await refused({});
    expect(stderr).to.contain("the volume holds data of PostgreSQL 17").and.to.contain("PG_UPGRADE=<id>");
    await oldServes(volume);
  });

  describe("is refused before anything is touched", () => {
    const cases: [string, Record<string, string>, string, RegExp][] = [
      ["when the programs of the old major are missing", {}, `rm -r ${RECORDS}/binaries`, /are not on the volume: start the image of PostgreSQL 17/],
      [
        "when they are damaged",
        {},
        `echo damage >>${RECORDS}/binaries/17-*/usr/lib/postgresql/17/bin/postgres`,
        /are damaged .*usr\/lib\/postgresql\/17\/bin\/postgres.*it keeps them anew/,
      ],
      ["when no backup is configured", { WALG_FILE_PREFIX: "", BACKUP_SCHEDULE: "" }, ":", /no backup is configured/],
      [
        "when the new archive holds something",
        {},
        `mkdir -p ${VOLUME}/archive/18/wal_005; touch ${VOLUME}/archive/18/wal_005/x`,
        /the archive \S+\/18 already holds data/,
      ],
      ["with the mode swap", { PG_UPGRADE_MODE: "swap" }, ":", /swap takes the old data apart.*link/],
    ];
    for (const [when, variables, prepare, message] of cases) {
      it(when, async () => {
        const { stderr, volume } = await refused(upgrade(variables), prepare);
        expect(stderr).to.match(message);
        if (!prepare.includes("17-*")) await oldServes(volume);
      });
    }
  });
});
