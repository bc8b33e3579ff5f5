import { expect } from "chai";
import { Container } from "./docker";
import "./hooks";
import { copyOf, givenPrepared, options, request, restoreDone, rows } from "./restore";

describe("image: a restore where the server speaks German", () => {
  const prepared = givenPrepared();

  // initdb's choice wins over LANG, a flag wins over both
  const start = "exec entrypoint.sh postgres -c lc_messages=de_DE.utf8";
  const speak = ["bash", "-c", `localedef -i de_DE -c -f UTF-8 de_DE.UTF-8; ${start}`];
  async function restore(to: string): Promise<Container> {
    const wanted = { LANG: "de_DE.utf8", ...request(to) };
    const database = await Container.start(options(await copyOf(prepared.volume), wanted), speak);
    await database.isUp();
    return database;
  }

  it("to a time after the last commit holds all rows", async () => {
    const database = await restore(new Date().toISOString());
    await restoreDone(database);
    expect(await rows(database)).to.equal("25..25");
    expect(await database.logs()).to.contain("no commit came after the target");
    expect((await database.exec("psql", "-U", "postgres", "-c", "SELECT 1/0")).stderr).to.contain(
      "Division durch Null",
    );
    await database.remove();
  }).timeout("5m");

  it("to a name that never comes tries every base backup once, then the old data serve on", async () => {
    const database = await restore("name:never");
    const log = await database.logs();
    expect(await rows(database)).to.equal("25..25");
    expect(log.match(/restore one: fetching$/gm)).to.have.length(2);
    expect(log).to.match(
      /all WAL was replayed and the target name:never did not come; the last commit in it: \d{4}-/,
    );
    await database.remove();
  }).timeout("5m");
});
