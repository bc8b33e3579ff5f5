import { expect } from "chai";
import { Container, environment, newVolume, runOnce } from "./docker";
import "./hooks";
import { backups, boot, copyOf, givenPrepared, insert, restored, rows, VOLUME } from "./restore";

const SOURCE = "/source/archive/18";

describe("image: a clone", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  /** Options of a container with its own volume that sees the source's archive, read-only. */
  function options(volume: string, variables: Record<string, string> = {}): string[] {
    const own = { WALG_FILE_PREFIX: `${VOLUME}/own`, BACKUP_SCHEDULE: "external", POSTGRES_PASSWORD: "new" };
    const mounts = ["-v", `${prepared.volume}:/source:ro`, "-v", `${volume}:${VOLUME}`];
    return [...mounts, ...environment({ ...own, CLONE_FROM: SOURCE, ...variables })];
  }

  async function clone(volume: string, variables: Record<string, string> = {}): Promise<Container> {
    const database = await Container.start(options(volume, variables));
    await database.isUp();
    return database;
  }

  it("fills an empty volume with another's content, under its own password and above its own archive", async () => {
    const database = await clone(await newVolume(), { VOLUME_OWNER: "stack/two" });
    await database.logged(/INFO .* clone done: timeline 2; fetch \d+ s, replay \d+ s/);
    expect(await rows(database)).to.equal("25..25");
    expect((await database.login("postgres", "new")).stdout).to.equal("1");
    expect((await database.login("postgres", "old")).code).not.to.equal(0);
    expect((await database.exec("cat", `${VOLUME}/.postgres-stack/owner`)).stdout).to.equal("stack/two");
    await restored(database);
    expect(await backups(database)).to.have.length(1);
    await database.remove();
  });

  it("happens once: the next start changes nothing, and another source is refused while the data serve on", async () => {
    const volume = await newVolume();
    const database = await clone(volume, { CLONE_TO: prepared.targets.time.to });
    await restored(database);
    expect(await rows(database)).to.equal("13..13");
    await insert(database, 99, 99);
    await database.stop();
    await database.remove();
    const again = await clone(volume, { CLONE_TO: prepared.targets.time.to });
    expect(await rows(again)).to.equal("14..99");
    expect(await again.logs()).not.to.match(/ERROR \[entrypoint\]|clone: requested/);
    await again.stop();
    await again.remove();
    const other = await clone(volume, { CLONE_FROM: "/source/other/18" });
    expect(await rows(other)).to.equal("14..99");
    expect(await other.logs()).to.match(
      /ERROR .* clone: this volume was cloned before \(to=.*the data serve on/,
    );
    await other.remove();
  });

  it("is refused by a volume with data, which keep serving", async () => {
    const database = await boot(await copyOf(prepared.volume), { CLONE_FROM: "/elsewhere/18" });
    expect(await database.logs()).to.match(
      /ERROR .* clone: a clone only fills an empty volume.*the data serve on/,
    );
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });

  it("needs no archive of its own", async () => {
    const database = await clone(await newVolume(), { WALG_FILE_PREFIX: "", BACKUP_SCHEDULE: "" });
    await restored(database);
    expect(await rows(database)).to.equal("25..25");
    expect(await database.sql("SHOW archive_mode")).to.equal("off");
    await database.remove();
  });

  const refusals: [string, Record<string, string>, RegExp][] = [
    [
      "an archive that is not there",
      { CLONE_FROM: "/source/none/18" },
      /ERROR .* clone refused: the archive.s backups can.t be listed/,
    ],
    ["a prefix that is none", { CLONE_FROM: "http://x/18" }, /ERROR .* 'http:\/\/x\/18' is no prefix/],
    ["another major", { CLONE_FROM: "/source/archive/17" }, /ERROR .* does not end in \/18/],
    [
      "a target after the archive's end",
      { CLONE_TO: "2100-01-01T00:00:00Z" },
      /is after the end of the archive/,
    ],
    [
      "an own archive that holds data",
      { WALG_FILE_PREFIX: "/source/archive" },
      /the archive \S+ already holds data/,
    ],
  ];
  for (const [what, variables, message] of refusals) {
    it(`from ${what} ends the start, and initialises nothing`, async () => {
      const volume = await newVolume();
      const { code, stderr } = await runOnce(options(volume, variables));
      expect(code).to.equal(1);
      expect(stderr).to.match(message);
      const { stdout } = await runOnce(
        ["-v", `${volume}:${VOLUME}`],
        ["find", VOLUME, "-name", "PG_VERSION"],
      );
      expect(stdout).to.equal("");
    });
  }

  it("that is killed half way is finished by the next start; withdrawn, the volume is initialised as if nothing had been", async () => {
    const volume = await newVolume();
    const kill = { POSTGRES_STACK_KILL_AT: "verifying:after" };
    expect((await runOnce(options(volume, kill))).code).to.equal(137);
    const half = await copyOf(volume);
    const database = await clone(volume);
    expect(await database.logs()).to.contain("clone was interrupted at step verifying and goes on");
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
    const withdrawn = await runOnce(options(half, { CLONE_FROM: "" }));
    expect(withdrawn.stderr).to.contain("clone withdrawn: the request was withdrawn");
    const fresh = await clone(half, { CLONE_FROM: "" });
    expect(await fresh.sql("SELECT to_regclass('rows') IS NULL")).to.equal("t");
    await fresh.remove();
  });
});

describe("image: restore.sh beside the server", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  /** Runs a command on the prepared volume, mounted read-only. Returns the exit code and the errors. */
  async function beside(command: string, variables: Record<string, string>, volume = prepared.volume) {
    const own = { WALG_FILE_PREFIX: `${VOLUME}/archive`, ...variables };
    const mounts = ["-v", `${volume}:${VOLUME}:ro`, "--tmpfs", "/run/postgres-stack:uid=999,mode=0700"];
    return runOnce([...mounts, ...environment(own)], ["restore.sh", command]);
  }

  it("accepts what the next start would accept, and refuses what it would refuse, without touching anything", async () => {
    const wanted = { RESTORE_ID: "one", RESTORE_TO: prepared.targets.time.to };
    const accepted = await beside("--preflight", wanted);
    expect(accepted.code, accepted.stderr).to.equal(0);
    expect(accepted.stderr).to.contain(`restore one would use ${prepared.backups[0]}`);
    const refused = await beside("--preflight", { ...wanted, RESTORE_TO: prepared.tooEarly });
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(
      /restore one would be refused: no base backup ended before.*reachable on timeline 1.*Nothing was touched/,
    );
    expect((await beside("--preflight", { ...wanted, RESTORE_UNDO: "true" })).stderr).to.contain(
      "can't be undone: it is not known",
    );
    expect((await beside("--preflight", { CLONE_FROM: `${VOLUME}/archive/18` })).stderr).to.contain(
      "a clone only fills an empty volume",
    );
  });

  it("reports what a request came to", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = { RESTORE_ID: "one", RESTORE_TO: prepared.targets.time.to };
    const database = await boot(volume, wanted);
    await restored(database);
    await database.stop();
    await database.remove();
    expect((await beside("--report", wanted, volume)).stderr).to.match(
      /INFO .* done: restore one is done since \S+ \S+ UTC: timeline 2; fetch \d+ s, replay \d+ s, verify \d+ s, total \d+ s/,
    );
    const edited = { ...wanted, RESTORE_TO: "latest" };
    expect((await beside("--report", edited, volume)).stderr).to.contain(
      "failed: restore one: this id was used before",
    );
  });
});
