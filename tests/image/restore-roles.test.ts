import { expect } from "chai";
import { newVolume } from "./docker";
import "./hooks";
import { backup, boot, request, restoreDone } from "./restore";

const passwords = (both: string) => ({
  POSTGRES_PASSWORD: both,
  APP_USER: "app",
  APP_PASSWORD: both,
  APP_DATABASE: "app",
});

describe("image: a restore of a backup made under older passwords", () => {
  it("has today's passwords, and roles, grants and extensions as they were", async function () {
    this.timeout("5m");
    const volume = await newVolume();
    const before = await boot(volume, passwords("old"));
    await before.sql(`CREATE EXTENSION pg_trgm; CREATE ROLE reader LOGIN PASSWORD 'own';
      CREATE TABLE words AS SELECT 'kept'::text AS word; GRANT SELECT ON words TO reader`);
    await backup(before);
    const moment = await before.sql("SELECT now()");
    await before.sql("DROP TABLE words; DROP ROLE reader; DROP EXTENSION pg_trgm");
    await before.stop();
    await before.remove();

    const database = await boot(volume, { ...passwords("new"), ...request(moment) });
    await restoreDone(database);
    for (const [role, name] of [
      ["postgres", "postgres"],
      ["app", "app"],
    ] as const) {
      expect((await database.login(role, "new", "SELECT 1", name)).stdout, role).to.equal("1");
      expect((await database.login(role, "old", "SELECT 1", name)).code, role).not.to.equal(0);
    }
    expect((await database.login("reader", "own", "SELECT word FROM words")).stdout).to.equal("kept");
    expect((await database.login("reader", "own", "DELETE FROM words")).code).not.to.equal(0);
    expect(await database.sql("SELECT similarity('kept', 'kept')")).to.equal("1");
    await database.remove();
  });
});
