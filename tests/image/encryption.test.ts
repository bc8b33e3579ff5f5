import { expect } from "chai";
import { Container, must, newVolume } from "./docker";
import {
  encryptedDatabase,
  type Keys,
  makeKeys,
  makeSegment,
  TEXT,
  using,
  WAL,
  withKeys,
} from "./encryption";
import "./hooks";
import { VOLUME } from "./restore";

describe("image: an encrypted archive", function () {
  this.timeout("5m");
  let keys: Keys;
  let database: Container;

  before(async () => {
    keys = await makeKeys();
    ({ database } = await encryptedDatabase(keys));
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
    const twice = await database.bash(`${makeSegment(name)}; ${push} && ${push}`);
    expect(twice.code, twice.stderr).to.equal(0);
    const { code, stderr } = await database.bash(`${makeSegment(name)}; ${push}`);
    expect(code).to.equal(1);
    expect(stderr).to.contain("refused: the archive holds another segment");
  });

  it("takes no other segment after that, until somebody says whose the archive is", async () => {
    const name = "0000000A0000000000000005";
    const push = `${makeSegment(name)}; archive-wal /tmp/wal/${name}`;
    const { code, stderr } = await database.bash(push);
    expect(code).to.equal(1);
    expect(stderr).to.contain(
      "the archive is not this database's: it holds other content of WAL segment 0000000A0000000000000001",
    );
    const taken = await database.bash(`backup.sh --take-over && ${push}`);
    expect(taken.code, taken.stderr).to.equal(0);
  });

  it("stores a segment again whose stored copy a killed upload left torn", async () => {
    for (const size of [0, 20, 150, 100_000, 8_300_000]) {
      const name = `0000000A00000000${String(size).padStart(8, "0")}`;
      const { code, stderr } = await database.bash(
        `${makeSegment(name)}; archive-wal /tmp/wal/${name}; truncate -s ${size} ${WAL}/${name}.lz4; archive-wal /tmp/wal/${name} &&
         fetch-wal ${name} /tmp/wal/back && cmp /tmp/wal/${name} /tmp/wal/back`,
      );
      expect(code, `${size}: ${stderr}`).to.equal(0);
      expect(stderr).to.contain("is torn");
    }
  });

  it("keeps a segment that was stored before encryption was turned on", async () => {
    const name = "0000000A0000000000000002";
    const sum = `md5sum <${WAL}/${name}.lz4`;
    await using(database, "none", `${makeSegment(name)}; archive-wal /tmp/wal/${name}`);
    const kept = await database.bash(`${sum}; archive-wal /tmp/wal/${name} && ${sum}`);
    expect(kept.code, kept.stderr).to.equal(0);
    expect(new Set(kept.stdout.split("\n"))).to.have.property("size", 1);
    const other = await database.bash(`${makeSegment(name)}; archive-wal /tmp/wal/${name}`);
    expect(other.code).to.equal(1);
  });

  it("is not overwritten with another key: the segment is kept, and the key is named as the cause", async () => {
    const name = "0000000A0000000000000003";
    await database.bash(`${makeSegment(name)}; archive-wal /tmp/wal/${name}`);
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
    await using(database, "both", `${makeSegment(name)}; archive-wal /tmp/wal/${name}`);
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
    for (const secret of keys.secrets) for (const place of places) expect(place).not.to.contain(secret);
  });

  it("is refused as such where there is a key and the archive is not encrypted", async () => {
    const plain = await Container.start(withKeys(keys, await newVolume()));
    await plain.isUp();
    const taken = await plain.exec("backup.sh");
    expect(taken.code, taken.stderr).to.equal(0);
    const { code, stderr } = await using(plain, "one", "restore.sh --check --to latest");
    await plain.remove();
    expect(code).to.equal(1);
    expect(stderr).to.match(/base backup base_\w+ is not encrypted, but WALG_PGP_KEY is set/);
  });
});
