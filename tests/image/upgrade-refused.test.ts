import { expect } from "chai";
import { Container, environment, runOnce } from "./docker";
import "./hooks";
import { imageOf, needMajors } from "./majors";
import { copyOf, options, VOLUME } from "./restore";
import { needStore } from "./store";
import {
  ask,
  bootMajor,
  content,
  refused,
  serveOld,
  upgrade,
  upgraded,
  withOwnExtension,
  withShop,
} from "./upgrade";

const RECORDS = `${VOLUME}/.postgres-stack`;
const REINDEX = { PG_REINDEX_COLLATIONS: "true" };

describe("image: a major upgrade that can't be made", function () {
  this.timeout("5m");
  const shop = withShop();

  it("is not begun without a request, and says how to ask for it", async () => {
    const volume = await copyOf(shop.volume);
    const { stderr } = await refused(volume, {});
    expect(stderr).to.contain("the volume holds data of PostgreSQL 17").and.to.contain("PG_UPGRADE=<id>");
    await (await serveOld(volume, shop.content)).remove();
  });

  it("is no downgrade", async () => {
    const volume = await copyOf(shop.volume);
    const server = await bootMajor(18, volume, upgrade(REINDEX));
    await upgraded(server);
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
        const volume = await copyOf(shop.volume, prepare);
        const { stderr } = await refused(volume, upgrade({ ...REINDEX, ...variables }));
        expect(stderr).to.match(message);
        expect(stderr).not.to.match(/codes_c/);
        await (await serveOld(volume, shop.content)).remove();
      });
    }

    it("when the store can't be reached", async function () {
      needStore(this);
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
      const disable = ["gosu", "postgres", "pg_checksums", "--disable", "-D", `${VOLUME}/17/docker`];
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
      await server.isUp();
      await withOwnExtension(server);
      await ask(server, "shop", "BEGIN; DELETE FROM t1; PREPARE TRANSACTION 'half'");
      await server.stop();
      const prepared = await refused(volume, upgrade(REINDEX));
      expect(prepared.stderr).to.contain("half of postgres in shop").and.to.contain("ROLLBACK PREPARED");

      await server.start();
      await server.isUp();
      await ask(server, "shop", "ROLLBACK PREPARED 'half'");
      await server.stop();
      const lacking = await refused(volume, upgrade(REINDEX));
      expect(lacking.stderr).to.contain("lacks extensions that are in use: ours (database shop)");
      await server.start();
      await server.isUp();
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
      needMajors(this, 19);
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
