import { expect } from "chai";
import { CATALOGS, hostileContent, prepareHostile, TAMED } from "./catalogs";
import { docker } from "./docker";
import "./hooks";
import { needMajors } from "./majors";
import { backup, copyOf, request, restored } from "./restore";
import { bootMajor, refused, upgrade, upgraded } from "./upgrade";

const REINDEX = { PG_REINDEX_COLLATIONS: "true" };

describe("image: a cluster of hostile catalogs", function () {
  this.timeout("15m");
  let volume: string;
  let content: string;
  let tamed: string;
  let tamedContent: string;

  before("a cluster of 17 with all of them, and one that pg_upgrade takes", async function () {
    needMajors(this, 17);
    ({ volume, content } = await prepareHostile(17));
    tamed = await copyOf(volume);
    const server = await bootMajor(17, tamed);
    await docker(["exec", "-i", server.id, "psql", "-U", "postgres", "-Xq", "-f", "-"], TAMED);
    await backup(server);
    tamedContent = await hostileContent(server);
    await server.stop();
    await server.remove();
  });

  it("was made as it says: each of its databases is there", () => {
    for (const [, name = ""] of CATALOGS.matchAll(/^CREATE DATABASE (\w+)/gm))
      expect(content).to.contain(name);
    for (const name of ["a=b", "postgresql://nowhere/x", `it's "quoted"; -- $1`, "ünïcöde ☃", "new\nline"])
      expect(content).to.contain(`${name}`);
  });

  it("is not upgraded where pg_upgrade could not: all that stands in the way is named, and nothing was touched", async () => {
    const copy = await copyOf(volume);
    const { stderr } = await refused(copy, upgrade(REINDEX));
    expect(stderr)
      .to.contain("databases refuse connections, so pg_upgrade can't read them: closed")
      .and.to.contain("databases were dropped only in part: half")
      .and.to.match(/have a line break, which pg_upgrade does not take: 'new\s+line'/);
    const old = await bootMajor(17, copy);
    expect(await hostileContent(old)).to.equal(content);
    await old.remove();
  });

  for (const mode of ["link", "copy"]) {
    it(`is upgraded with mode ${mode} and keeps everything; what could not be done is a warning in the outcome`, async () => {
      const copy = await copyOf(tamed);
      const server = await bootMajor(18, copy, upgrade({ ...REINDEX, PG_UPGRADE_MODE: mode }));
      await upgraded(server);
      expect(await hostileContent(server)).to.equal(tamedContent);
      expect(await server.logs())
        .to.match(
          /WARN .*an extension stays at its version, it can't be updated: citext of database shop, .*no update path/,
        )
        .and.to.match(
          /WARN .*index public.slugs_fails of database shop could not be rebuilt \(no slug any more\) and is invalid/,
        )
        .and.to.match(/WARN .*invalid indexes do not come along.*: .*doubled_invalid.* \(database shop\)/)
        .and.to.match(/upgrade one done: .*; left undone: \d+; .*citext/);
      await server.stop();
      await server.remove();

      if (mode === "link") {
        const old = await bootMajor(17, copy, upgrade({ PG_UPGRADE_UNDO: "true" }));
        await old.logged(/upgrade one undone: the newest data of PostgreSQL 17 were restored/);
        expect(await hostileContent(old)).to.equal(tamedContent);
        await old.remove();
      }
    });
  }

  it("is restored, and the restore is undone, with all of them", async () => {
    const copy = await copyOf(volume);
    const server = await bootMajor(17, copy, request("latest"));
    await restored(server);
    expect(await hostileContent(server)).to.equal(content);
    await server.stop();
    await server.remove();
    const undone = await bootMajor(17, copy, request("latest", { RESTORE_UNDO: "true" }));
    await undone.logged(/restore one undone/);
    expect(await hostileContent(undone)).to.equal(content);
    await undone.remove();
  });
});
