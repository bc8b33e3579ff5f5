import { expect } from "chai";
import { Container, runOnce } from "./docker";
import "./hooks";
import { imageOf, majorsAreThere, removeMajors } from "./majors";
import { copyOf, inTurn, isUp, options, removeVolume, VOLUME } from "./restore";
import { ask, bootMajor, content, prepareShop, upgrade, upgraded } from "./upgrade";

const WRITE = ["before", "synced", "renamed"];
const MOVE = ["before", "synced", "renamed", "after"];
const points = (steps: string[], moments: string[]) =>
  steps.flatMap((step) => moments.map((moment) => `${step}:${moment}`));
const POINTS = [
  ...points(["asked", "backing-up", "upgrading", "upgraded", "starting", "handing-over"], WRITE),
  ...points(["setting-old-aside", "publishing-new"], MOVE),
  ...points(["cluster-18", "handed-over", "upgrade-done", "finishing-upgrade"], WRITE),
  ...points(["closing-upgrade"], ["before", "renamed"]),
];
const TWICE = [
  "upgrading:renamed upgrading:renamed",
  "upgraded:renamed starting:renamed",
  "setting-old-aside:renamed publishing-new:renamed",
];
const UNDO = [
  ...points(["undoing-upgrade"], WRITE),
  ...points(["setting-new-aside", "putting-old-back"], ["before", "renamed"]),
  ...points(["upgrade-undone"], ["renamed"]),
];
/** Put back at one of these, the old image serves; after the last of them, with link, it says what to do. */
const OLD_IMAGE = [
  "asked:renamed",
  "backing-up:renamed",
  "upgrading:renamed",
  "upgraded:renamed",
  "starting:before",
];
const LINKED = [
  "starting:renamed",
  "setting-old-aside:renamed",
  "publishing-new:renamed",
  "upgrade-done:renamed",
];
/** What pg_upgrade prints when it is in the middle of its work. */
const IN_PG_UPGRADE = [/Restoring database schemas/, /Linking user relation files|Adding "\.old" suffix/];

describe("image: a major upgrade that is killed", function () {
  this.timeout("10m");
  let shop: { volume: string; content: string };
  let kept: string;
  let runs = new Map<string, Promise<string>>();

  /** Starts a container that is to die at a point, and waits for its end. */
  const dies = async (volume: string, point: string, variables: Record<string, string>, major = 18) => {
    const kill = { POSTGRES_STACK_KILL_AT: point };
    const { code, stderr } = await runOnce(
      options(volume, { ...variables, ...kill }),
      [],
      await imageOf(major),
    );
    expect(code, `${point}: ${stderr.slice(-2000)}`).to.equal(137);
  };

  /** What serves in the end, proved by a write too. Removes the volume. */
  const serves = async (major: number, volume: string, variables: Record<string, string>) => {
    const server = await bootMajor(major, volume, variables);
    await ask(server, "shop", "INSERT INTO t1 (name) VALUES ('x'); DELETE FROM t1 WHERE name = 'x'");
    const found = `${await server.sql("SHOW server_version_num")} ${sumsOf(await content(server))}`;
    await server.remove();
    await removeVolume(volume);
    return found;
  };

  const run = async (item: string): Promise<string> => {
    const [kind, ...kills] = item.split(" ") as [string, ...string[]];
    const wanted = upgrade({ PG_REINDEX_COLLATIONS: "true" });
    const undo = upgrade({ PG_UPGRADE_UNDO: "true" });
    const volume = await copyOf(kind === "undo" ? kept : shop.volume);
    for (const point of kills)
      await dies(volume, point, kind === "undo" ? undo : wanted, kind === "undo" ? 17 : 18);
    if (kind === "undo") return serves(17, volume, undo);
    if (kind === "old") return serves(17, volume, {});
    if (kind === "new") return serves(18, volume, wanted);
    const { code, stderr } = await runOnce(options(volume), [], await imageOf(17));
    await removeVolume(volume);
    return `${code} ${stderr}`;
  };

  before("a database of PostgreSQL 17, and one upgraded with the old data kept", async function () {
    if (!majorsAreThere(17)) this.skip();
    shop = await prepareShop(17, { tables: 3, rows: 50 });
    kept = await copyOf(shop.volume);
    const keep = { PG_UPGRADE_MODE: "copy", PG_UPGRADE_KEEP_OLD: "true", PG_REINDEX_COLLATIONS: "true" };
    const server = await bootMajor(18, kept, upgrade(keep));
    await upgraded(server);
    await server.stop();
    await server.remove();
    runs = inTurn(
      [
        ...[...POINTS, ...TWICE].map((point) => `new ${point}`),
        ...OLD_IMAGE.map((point) => `old ${point}`),
        ...LINKED.map((point) => `refused ${point}`),
        ...UNDO.map((point) => `undo ${point}`),
      ],
      3,
      run,
    );
  });

  after(removeMajors);

  /** Sequences move when a write proves that the server works. */
  const sumsOf = (all: string) =>
    all
      .split("\n")
      .filter((line) => !line.includes("_seq "))
      .join("\n");
  const expected = (major: number) => new RegExp(`^${major}\\d{4} `);

  for (const point of [...POINTS, ...TWICE]) {
    it(`at ${point} is finished by the next start: all data, in PostgreSQL 18`, async () => {
      const found = await runs.get(`new ${point}`);
      expect(found).to.match(expected(18)).and.to.contain(sumsOf(shop.content));
    });
  }

  for (const point of OLD_IMAGE) {
    it(`at ${point} leaves data that the old image serves`, async () => {
      const found = await runs.get(`old ${point}`);
      expect(found).to.match(expected(17)).and.to.contain(sumsOf(shop.content));
    });
  }

  for (const point of LINKED) {
    it(`at ${point} makes the old image say that only the new one or the backup leads on`, async () => {
      const found = await runs.get(`refused ${point}`);
      expect(found).to.match(
        /^1 [^]*has started PostgreSQL 18 on these data[^]*nothing was touched[^]*PG_UPGRADE_UNDO=true/,
      );
    });
  }

  for (const point of UNDO) {
    it(`at ${point} of its undoing is undone by the next start: the kept data, in PostgreSQL 17`, async () => {
      const found = await runs.get(`undo ${point}`);
      expect(found).to.match(expected(17)).and.to.contain(sumsOf(shop.content));
    });
  }

  for (const moment of IN_PG_UPGRADE) {
    it(`while pg_upgrade says ${moment.source} goes back and begins anew`, async () => {
      await Promise.allSettled(runs.values());
      const volume = await copyOf(shop.volume);
      const wanted = upgrade({ PG_REINDEX_COLLATIONS: "true" });
      const server = await Container.start(options(volume, wanted));
      await server.logged(moment, 120);
      await server.kill("KILL");
      await server.ends();
      await server.start();
      await isUp(server);
      expect(await server.logs()).to.contain("was interrupted at step upgrading and goes on");
      expect(sumsOf(await content(server))).to.equal(sumsOf(shop.content));
      expect((await server.exec("test", "-e", `${VOLUME}/17/docker/PG_VERSION`)).code).to.equal(1);
      await server.remove();
    });
  }
});
