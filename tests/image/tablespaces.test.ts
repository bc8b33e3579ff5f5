import { expect } from "chai";
import { type Container, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";
import { needMajors } from "./majors";
import { change, copyOf, options, VOLUME } from "./restore";
import { bootMajor, refused, serveOld, upgrade, withShop } from "./upgrade";

const LINKS = (major: number) => `${VOLUME}/${major}/docker/pg_tblspc`;
const IN_PLACE = "SET allow_in_place_tablespaces = on; CREATE TABLESPACE beside LOCATION ''";
const FOLDER = `${VOLUME}/elsewhere`;
const OUTSIDE = `CREATE TABLESPACE elsewhere LOCATION '${FOLDER}'`;

/** Creates both kinds of tablespaces, each in a separate call, as the superuser. Returns the SQLSTATEs; nothing means success. */
async function make(server: Container): Promise<string> {
  await server.bash(`mkdir -p ${FOLDER}; rm -rf ${FOLDER}/*`);
  const states = [];
  for (const sql of [IN_PLACE, OUTSIDE]) {
    const statements = sql.split("; ").flatMap((statement) => ["-c", statement]);
    const { stderr } = await server.exec(
      "psql",
      "-U",
      "postgres",
      "-Xqv",
      "VERBOSITY=sqlstate",
      ...statements,
    );
    states.push(stderr.replace("ERROR:", "").trim());
  }
  return states.join(" ");
}

const made = (server: Container) => server.sql("SELECT count(*) FROM pg_tablespace WHERE spcname !~ '^pg_'");

/** Like a server of an earlier image, which forbade nothing. */
async function makeAsBefore(server: Container, major: number): Promise<void> {
  await server.bash(`chmod 0700 ${LINKS(major)}`);
  expect((await make(server)).trim()).to.equal("");
  await server.bash(`psql -U postgres -qc 'CREATE TABLE there (n int) TABLESPACE elsewhere'`);
}

async function restart(server: Container, how: "stop" | "kill" = "stop"): Promise<void> {
  if (how === "kill") {
    await server.kill("KILL");
    await server.ends();
  } else {
    await server.stop();
  }
  await server.start();
  await server.isUp();
}

describe("image: tablespaces, which no backup covers", function () {
  this.timeout("5m");

  for (const major of [17, 18, 19]) {
    describe(`with PostgreSQL ${major}`, () => {
      let server: Container;
      before(async function () {
        needMajors(this, major);
        server = await bootMajor(major, await newVolume());
      });
      after(() => server?.remove());

      it("can't be made, by a superuser neither, in a folder nor in place", async () => {
        expect(await make(server)).to.equal("42501 42501");
        expect(await made(server)).to.equal("0");
      });

      it("can't be made either after the folder's mode was changed from outside, as fsGroup does, and after a kill", async () => {
        for (const how of ["stop", "kill"] as const) {
          await server.bash(`chmod 0770 ${LINKS(major)}`);
          await restart(server, how);
          expect(await make(server)).to.equal("42501 42501");
        }
      });
    });
  }

  it("that are there already are said at boot, can be dropped, and are forbidden from the next start on", async () => {
    const server = await bootMajor(18, await newVolume());
    await makeAsBefore(server, 18);
    await restart(server);
    await server.logged(
      /WARN .*tablespaces are in use \(\d+ in place, \d+ in \S+\/elsewhere\): base backups, restores and upgrades don't cover them/,
    );
    await server.sql("DROP TABLE there");
    for (const name of ["beside", "elsewhere"]) await server.sql(`DROP TABLESPACE ${name}`);
    await restart(server);
    expect(await make(server)).to.equal("42501 42501");
    await server.remove();
  });

  it("made and dropped since the last checkpoint don't keep crash recovery from ending", async () => {
    const server = await bootMajor(18, await newVolume());
    await makeAsBefore(server, 18);
    await server.sql("DROP TABLE there");
    for (const name of ["beside", "elsewhere"]) await server.sql(`DROP TABLESPACE ${name}`);
    await restart(server, "kill");
    expect(await make(server)).to.equal("42501 42501");
    await server.remove();
  });

  it("made by a script of the initialisation are refused, and nothing is kept", async () => {
    const script = newFolder({ "make.sql": `${IN_PLACE};` });
    const volume = await newVolume();
    const { code, stderr } = await runOnce([
      ...options(volume),
      "-v",
      `${script}:/docker-entrypoint-initdb.d:ro`,
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /scripts of the initialisation made tablespaces \(\d+ in place\).*nothing was kept/,
    );
    const { stdout } = await runOnce(["-v", `${volume}:${VOLUME}`], ["ls", `${VOLUME}/18`]);
    expect(stdout).not.to.match(/^docker$/m);
  });

  describe("with an upgrade", () => {
    const shop = withShop();

    for (const [kind, sql] of [
      ["in place", IN_PLACE],
      ["in a folder", OUTSIDE],
    ] as const) {
      it(`are refused before anything is touched: ${kind}`, async () => {
        const volume = await copyOf(shop.volume);
        await change(volume, `chmod 0700 ${LINKS(17)}; mkdir -p ${FOLDER}`);
        const old = await bootMajor(17, volume);
        await old.bash(`chmod 0700 ${LINKS(17)}`);
        await old.exec("psql", "-U", "postgres", "-Xq", ...sql.split("; ").flatMap((part) => ["-c", part]));
        expect(await made(old)).to.equal("1");
        await old.stop();
        await old.remove();
        const { stderr } = await refused(volume, upgrade({ PG_REINDEX_COLLATIONS: "true" }));
        expect(stderr).to.match(
          /tablespaces are in use \(\d+ in (place|\S+elsewhere)\).*move what is in them to pg_default/,
        );
        await (await serveOld(volume, shop.content)).remove();
      });
    }
  });
});
