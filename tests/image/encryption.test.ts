import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Container, environment, must, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";
import {
  backups,
  change as changeVolume,
  copyOf,
  inTurn,
  isUp,
  options,
  request,
  rows,
  VOLUME,
} from "./restore";

const PASSPHRASE = "correct horse";
const TEXT = "a row that nobody may read";
const HEX = "0123456789abcdef".repeat(4);
const WAL = `${VOLUME}/archive/18/wal_005`;
const MAKE = (name: string) =>
  `mkdir -p /tmp/wal/archive_status; { head -c 8388608 /dev/urandom; head -c 8388608 /dev/zero; } >/tmp/wal/${name}`;

/** Makes keys as docs/backups.md does; `both` is a key ring of the first two, `public` can only encrypt. */
const GENERATE = `
  export GNUPGHOME="$(mktemp -d)"
  gpg() { command gpg --batch --quiet --pinentry-mode loopback --passphrase '${PASSPHRASE}' "$@"; }
  for name in one two; do gpg --quick-generate-key "$name" default default never; done
  for names in one two "one two"; do gpg --armor --export-secret-keys $names; echo =====; done
  gpg --armor --export one`;

const locked = (name: string) => ({
  WALG_PGP_KEY_FILE: `/keys/${name}`,
  WALG_PGP_KEY_PASSPHRASE_FILE: "/keys/passphrase",
});

describe("image: an encrypted archive", () => {
  let keys: string;
  let secrets: string[];
  let volume: string;
  let database: Container;

  /** Options of a container that sees the keys. */
  const withKeys = (on: string, variables: Record<string, string>) => [
    ...options(on, variables),
    "-v",
    `${keys}:/keys:ro`,
  ];

  /** Runs a script in the container with the archive's environment, but with another key, or none. */
  const using = (container: Container, name: string, script: string) =>
    container.bash(`sed '/_PGP_KEY/d' /run/postgres-stack/walg.env >/tmp/key.env; umask 077
      [ ${name} = none ] || echo 'export WALG_PGP_KEY="$(</keys/${name})" WALG_PGP_KEY_PASSPHRASE="$(</keys/passphrase)"' >>/tmp/key.env
      export WALG_ENV=/tmp/key.env; ${script}`);

  /** Waits until everything written so far is archived. */
  async function archived(container: Container): Promise<void> {
    const { code, stderr } = await container.bash(`
      segment="$(psql -XAtqc "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")"; psql -XAtqc "SELECT pg_switch_wal()"
      for ((i = 0; i < 600; i++)); do [ -e ${WAL}/$segment.lz4 ] && exit; sleep 0.1; done; exit 1`);
    expect(code, stderr).to.equal(0);
  }

  before(async function () {
    this.timeout("5m");
    const made = await runOnce([], ["bash", "-ec", GENERATE]);
    expect(made.code, made.stderr).to.equal(0);
    const [one = "", two = "", both = "", open = ""] = made.stdout.split("=====\n");
    secrets = [...`${one}${two}`.split("\n").filter((line) => /^[\w+/=]{20,}$/.test(line)), PASSPHRASE];
    expect(secrets).to.have.length.above(10);
    keys = newFolder({ one, two, both, public: open, passphrase: PASSPHRASE, current: one });
    volume = await newVolume();
    database = await Container.start(withKeys(volume, locked("current")));
    await isUp(database);
    await database.sql(
      `CREATE TABLE rows (n int PRIMARY KEY, t text); INSERT INTO rows VALUES (1, '${TEXT}')`,
    );
    expect((await database.exec("backup.sh")).code).to.equal(0);
    await database.sql(`INSERT INTO rows VALUES (2, '${TEXT}')`);
    await archived(database);
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });
  after(() => database?.remove());

  it("holds no row that can be read without the key", async () => {
    const script = `cd ${VOLUME}/archive/18; . "$WALG_ENV"
      while IFS= read -r object; do
        gpg --list-packets "$object" 2>/dev/null | grep -q '^:pubkey enc packet:' && echo "encrypted $object" || echo "plain $object"
        wal-g st cat --decompress "$object" 2>/dev/null | grep -qa '${TEXT}' && echo "readable $object"
        grep -qa '${TEXT}' "$object" && echo "readable $object"
        wal-g st cat --decrypt --decompress "$object" 2>/dev/null | grep -qa '${TEXT}' && echo "holds $object"
      done < <(find . -type f | cut -c 3-)`;
    const found = (await using(database, "none", script)).stdout;
    expect(found).not.to.contain("readable");
    const plain = found.match(/(?<=^plain ).*$/gm) ?? [];
    expect(plain.filter((object) => !object.endsWith(".json"))).to.deep.equal([]);
    expect(found).not.to.contain("holds");
    const opened = (await using(database, "one", script)).stdout;
    expect(opened).to.match(/^holds basebackups_005\/base_\w+\/tar_partitions\/part_/m);
    expect(opened).to.match(/^holds wal_005\/\w+\.lz4$/m);
  });

  it("takes a segment that is already stored as stored, and refuses another of that name", async () => {
    const name = "0000000A0000000000000001";
    const push = `archive-wal /tmp/wal/${name}`;
    const twice = await database.bash(`${MAKE(name)}; ${push} && ${push}`);
    expect(twice.code, twice.stderr).to.equal(0);
    const { code, stderr } = await database.bash(`${MAKE(name)}; ${push}`);
    expect(code).to.equal(1);
    expect(stderr).to.contain("refused: the archive holds another segment");
  });

  it("stores a segment again whose stored copy a killed upload left torn", async () => {
    for (const size of [0, 20, 150, 100_000, 8_300_000]) {
      const name = `0000000A00000000${String(size).padStart(8, "0")}`;
      const { code, stderr } = await database.bash(
        `${MAKE(name)}; archive-wal /tmp/wal/${name}; truncate -s ${size} ${WAL}/${name}.lz4; archive-wal /tmp/wal/${name} &&
         fetch-wal ${name} /tmp/wal/back && cmp /tmp/wal/${name} /tmp/wal/back`,
      );
      expect(code, `${size}: ${stderr}`).to.equal(0);
      expect(stderr).to.contain("is torn");
    }
  });

  it("keeps a segment that was stored before encryption was turned on", async () => {
    const name = "0000000A0000000000000002";
    const sum = `md5sum <${WAL}/${name}.lz4`;
    await using(database, "none", `${MAKE(name)}; archive-wal /tmp/wal/${name}`);
    const kept = await database.bash(`${sum}; archive-wal /tmp/wal/${name} && ${sum}`);
    expect(kept.code, kept.stderr).to.equal(0);
    expect(new Set(kept.stdout.split("\n"))).to.have.property("size", 1);
    const other = await database.bash(`${MAKE(name)}; archive-wal /tmp/wal/${name}`);
    expect(other.code).to.equal(1);
  });

  it("is not overwritten with another key: the segment is kept, and the key is named as the cause", async () => {
    const name = "0000000A0000000000000003";
    await database.bash(`${MAKE(name)}; archive-wal /tmp/wal/${name}`);
    const sum = `md5sum <${WAL}/${name}.lz4`;
    const { code, stdout, stderr } = await using(
      database,
      "two",
      `${sum}; archive-wal /tmp/wal/${name}; code=$?; ${sum}; exit $code`,
    );
    expect(code).to.equal(1);
    expect(stderr).to.contain("incorrect key").and.to.contain("PostgreSQL keeps the segment");
    expect(new Set(stdout.split("\n"))).to.have.property("size", 1);
  });

  it("is written with a ring of two keys so that each of them opens it", async () => {
    const name = "0000000A0000000000000004";
    await using(database, "both", `${MAKE(name)}; archive-wal /tmp/wal/${name}`);
    for (const key of ["one", "two"]) {
      const { code, stderr } = await using(
        database,
        key,
        `fetch-wal ${name} /tmp/wal/back && cmp /tmp/wal/${name} /tmp/wal/back`,
      );
      expect(code, stderr).to.equal(0);
    }
  });

  it("shows its key in no log, argument, inspection or environment of the server", async () => {
    const server = await database.bash(
      `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; tr '\\0' '\\n' <"/proc/$(head -n 1 $PGDATA/postmaster.pid)/environ"`,
    );
    expect(server.stdout).to.contain("PGDATA=").and.to.contain("tini");
    const places = [await database.logs(), await must(["inspect", database.id]), server.stdout];
    for (const secret of secrets) for (const place of places) expect(place).not.to.contain(secret);
  });

  it("is refused as such where there is a key and the archive is not encrypted", async () => {
    const elsewhere =
      "mkdir -p /tmp/plain; sed -i 's|^export WALG_FILE_PREFIX=.*|export WALG_FILE_PREFIX=/tmp/plain|' /tmp/key.env";
    const plain = await using(database, "none", `${elsewhere}; backup.sh`);
    expect(plain.code, plain.stderr).to.equal(0);
    const { code, stderr } = await using(database, "one", `${elsewhere}; restore.sh --check --to latest`);
    expect(code).to.equal(1);
    expect(stderr).to.match(/base backup base_\w+ is not encrypted, but WALG_PGP_KEY is set/);
  });

  describe("is restored after a change of the key", () => {
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

    before(async function () {
      this.timeout("5m");
      const before = await database.sql("SELECT now()");
      await database.sql("INSERT INTO rows VALUES (3)");
      // recovery looks up to 512 kB of WAL ahead: that much still has the old key
      await database.sql("SELECT pg_logical_emit_message(true, 'test', repeat('x', 2000000))");
      await archived(database);
      const change = await database.sql("SELECT now()");
      writeFileSync(join(keys, "current"), readFileSync(join(keys, "two")));
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
      await changeVolume(volume, `rm -f ${WAL}/0000000A*`); // what the tests above stored
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
        const container = await Container.start([...withKeys(on, wanted), "-v", `${volume}:/source:ro`]);
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

  describe("begins", () => {
    const refused = async (extra: string[], message: string) => {
      const { code, stderr } = await runOnce([...withKeys(await newVolume(), {}), ...extra]);
      expect(code).to.equal(1);
      expect(stderr.match(/ ERROR /g), stderr).to.have.length(2); // the second counts them
      expect(stderr).to.contain(message).and.to.contain("nothing was touched");
      for (const secret of secrets) expect(stderr).not.to.contain(secret);
    };

    it("with a key in a folder, such as a Secret that exists", async () => {
      const folder = newFolder({ WALG_PGP_KEY: "", WALG_PGP_KEY_PASSPHRASE: PASSPHRASE });
      const extra = ["-v", `${folder}:/secret:ro`, "-v", `${keys}/one:/secret/WALG_PGP_KEY:ro`];
      const script = `. /usr/local/bin/entrypoint.sh; read_environment; check_encryption; report_environment; write_walg_env
        . "$WALG_ENV"; cmp <(printf '%s\n' "$WALG_PGP_KEY") /keys/one && echo "$WALG_PGP_KEY_PASSPHRASE"`;
      const { stdout, stderr } = await runOnce(
        ["-u", "postgres", ...withKeys(await newVolume(), { ENCRYPTION_FOLDER: "/secret" }), ...extra],
        ["bash", "-c", script],
      );
      expect(stdout, stderr).to.equal(PASSPHRASE);
    });

    it("with no key that could only encrypt, or is none: each is one clear error at the start", async () => {
      const pgp = (name: string) => environment({ WALG_PGP_KEY_FILE: `/keys/${name}` });
      await refused(pgp("one"), "and its passphrase in WALG_PGP_KEY_PASSPHRASE if it has one");
      await refused(pgp("public"), "so no backup could be restored: the private key is needed");
      await refused(pgp("passphrase"), "WALG_PGP_KEY: wal-g can't encrypt with it");
      await refused(
        environment({ WALG_PGP_KEY: "" }),
        "WALG_PGP_KEY: is empty, so nothing would be encrypted",
      );
      await refused(environment({ ENCRYPTION_FOLDER: "/keys" }), "holds neither WALG_PGP_KEY nor");
      await refused(
        environment({ WALG_LIBSODIUM_KEY: HEX }),
        "WALG_LIBSODIUM_KEY: longer than the 32 bytes that wal-g uses",
      );
      await refused(
        [...pgp("one"), ...environment({ WALG_LIBSODIUM_KEY: HEX })],
        "WALG_PGP_KEY and WALG_LIBSODIUM_KEY are both set",
      );
    });

    it("never in plain when the file of the key has become empty", async () => {
      const { stdout, stderr } = await runOnce(
        ["-u", "postgres", ...options(await newVolume(), { WALG_PGP_KEY_FILE: "/tmp/key" })],
        [
          "bash",
          "-c",
          `. /usr/local/bin/entrypoint.sh; echo old >/tmp/key; read_environment; write_walg_env
           >/tmp/key; load_walg_env || echo refused; echo >/tmp/key; load_walg_env || echo refused`,
        ],
      );
      expect(stdout, stderr).to.equal("refused\nrefused");
    });
  });
});

describe("image: an archive encrypted with libsodium", () => {
  const sodium = { WALG_LIBSODIUM_KEY: HEX, WALG_LIBSODIUM_KEY_TRANSFORM: "hex" };

  it("is written and read where wal-g has libsodium, and refused at the start where it has not", async function () {
    this.timeout("5m");
    const volume = await newVolume();
    const container = await Container.start(options(volume, sodium));
    const found = await container.logged(
      /wal-g was not compiled with libsodium|in step with the environment/,
      120,
    );
    if (found.startsWith("wal-g")) {
      expect(await container.ends()).to.equal(1);
      const log = await container.logs();
      expect(log).to.match(
        /ERROR .* WALG_LIBSODIUM_KEY: wal-g can't encrypt with it \(.*\); nothing is archived/,
      );
      expect(log).not.to.contain(HEX);
      await container.remove();
      return;
    }
    await container.sql(`CREATE TABLE rows (n int); INSERT INTO rows VALUES (1)`);
    expect((await container.exec("backup.sh")).code).to.equal(0);
    const name = "0000000A0000000000000001";
    const torn = await container.bash(
      `${MAKE(name)}; archive-wal /tmp/wal/${name} && archive-wal /tmp/wal/${name} && truncate -s 100000 ${WAL}/${name}.lz4 &&
       archive-wal /tmp/wal/${name} && rm ${WAL}/${name}.lz4`,
    );
    expect(torn.code, torn.stderr).to.equal(0);
    const other = `WALG_LIBSODIUM_KEY=${HEX.replaceAll("0", "1")}`;
    const wrong =
      await container.bash(`(cat /run/postgres-stack/walg.env; echo 'export ${other}') >/tmp/key.env
      WALG_ENV=/tmp/key.env restore.sh --check --to latest`);
    expect(wrong.stderr).to.contain("can't be read with the key in WALG_LIBSODIUM_KEY");
    await container.stop();
    await container.remove();
    const restored = await Container.start(options(volume, { ...sodium, ...request("latest") }));
    await restored.logged(/restore one done: /, 120);
    expect(await rows(restored)).to.equal("1..1");
    await restored.remove();
  });
});
