import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Container, newVolume } from "./docker";
import { archived, encryptedDatabase, locked, makeKeys, using, withKeys } from "./encryption";
import "./hooks";
import { backups, copyOf, inTurn, request, rows } from "./restore";

describe("image: an encrypted archive is restored after a change of the key", function () {
  this.timeout("5m");
  const CHECKS: [
    key: string,
    to: "latest" | "before" | "the change",
    from: "newest" | "older",
    says: RegExp,
  ][] = [
    ["two", "latest", "newest", /would use base_/],
    ["two", "latest", "older", /base backup \w+ can't be read with the key in WALG_PGP_KEY/],
    ["one", "latest", "newest", /base backup \w+ can't be read with the key in WALG_PGP_KEY/],
    ["one", "latest", "older", /WAL segment \w+, needed to reach .* can't be read with the key/],
    ["one", "before", "newest", /would use base_/],
    ["one", "the change", "newest", /WAL segment \w+, needed to reach .* can't be read with the key/],
    ["both", "latest", "older", /would use base_/],
    ["none", "latest", "newest", /is encrypted, and no key is set/],
  ];
  const checks: string[] = [];
  let first: string[];
  let runs: Map<string, Promise<{ rows: string; log: string }>>;

  before(async () => {
    const keys = await makeKeys();
    const { volume, database } = await encryptedDatabase(keys);
    const before = await database.sql("SELECT now()");
    await database.sql("INSERT INTO rows VALUES (3)");
    // recovery reads up to 512 kB of WAL ahead: that much still has the old key
    await database.sql("SELECT pg_logical_emit_message(true, 'test', repeat('x', 2000000))");
    await archived(database);
    const change = await database.sql("SELECT now()");
    copyFileSync(join(keys.folder, "two"), join(keys.folder, "current"));
    await database.sql("INSERT INTO rows VALUES (4)");
    await archived(database);
    first = [];
    for (let time = 0; time < 2; time++) first.push((await database.exec("backup.sh", "--first")).stderr);
    const [oldest = ""] = await backups(database);
    for (const [key, to, from] of CHECKS) {
      const target = { latest: "latest", before: `'${before}'`, "the change": `'${change}'` }[to];
      const wanted = `--to ${target} ${from === "older" ? `--backup ${oldest}` : ""}`;
      checks.push((await using(database, key, `restore.sh --check ${wanted}`)).stderr);
    }
    await database.stop();
    runs = inTurn(["clone", "one", "both", "none", "two"], 2, async (key) => {
      const wanted = {
        clone: {
          CLONE_FROM: "/source/archive/18",
          CLONE_WALG_PGP_KEY_FILE: "/keys/two",
          CLONE_WALG_PGP_KEY_PASSPHRASE_FILE: "/keys/passphrase",
          ...locked("one"),
        },
        one: { ...request(before), ...locked("one") },
        both: { ...request("latest", { RESTORE_BACKUP: oldest }), ...locked("both") },
        none: request("latest"),
        two: { ...request(before), ...locked("two") },
      }[key] as Record<string, string>;
      const on = key === "clone" ? await newVolume() : await copyOf(volume);
      const container = await Container.start([...withKeys(keys, on, wanted), "-v", `${volume}:/source:ro`]);
      await container.logged(/(restore one|clone) done: |in step with the environment/, 300);
      const result = { rows: await rows(container), log: await container.logs() };
      await container.remove();
      return result;
    });
  });

  const run = (key: string) => runs.get(key) as Promise<{ rows: string; log: string }>;

  it("with the key of then, and its passphrase, as far as that was in use", async () => {
    const { rows, log } = await run("one");
    expect(rows, log).to.equal("2..2");
    expect(log).to.contain("restore one: swapped");
  });

  it("across the change with both keys in one ring", async () => {
    const { rows, log } = await run("both");
    expect(rows, log).to.equal("4..4");
    expect(log).to.contain("restore one: swapped");
  });

  it("as a clone with the source's key and another of its own", async () => {
    const { rows, log } = await run("clone");
    expect(rows).to.equal("4..4");
    expect(log).to.contain("clone: swapped");
  });

  it("not without a key: the old data serve on", async () => {
    const { rows, log } = await run("none");
    expect(rows, log).to.equal("4..4");
    expect(log).to.match(
      /restore one refused: base backup \w+ is encrypted, and no key is set: give the one that it was made with/,
    );
  });

  it("not with another key: the old data serve on", async () => {
    const { rows, log } = await run("two");
    expect(rows, log).to.equal("4..4");
    expect(log).to.match(
      /restore one refused: base backup \w+ can't be read with the key in WALG_PGP_KEY \(.*incorrect key\): give the key that/,
    );
  });

  for (const [index, [key, to, from, says]] of CHECKS.entries()) {
    const answer = says.source.includes("would") ? "is accepted" : "is refused";
    it(`by ${key} to ${to} from the ${from} base backup ${answer} before the download`, () => {
      expect(checks[index]).to.match(says);
    });
  }

  it("and a first base backup with the new key is taken, once", () => {
    expect(first[0]).to.contain("the newest backup does not open with the key of today");
    expect(first[0]).to.contain("last good backup: base_");
    expect(first[1]).to.contain("the archive has a backup already");
  });
});
