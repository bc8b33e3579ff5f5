import { expect } from "chai";
import { Container, environment, newFolder, newVolume, runOnce } from "./docker";
import { type Keys, makeKeys, makeSegment, PASSPHRASE, WAL, withKeys } from "./encryption";
import "./hooks";
import { options, request, rows } from "./restore";

const HEX = "0123456789abcdef".repeat(4);

describe("image: encryption begins", function () {
  this.timeout("5m");
  let keys: Keys;
  before(async () => {
    keys = await makeKeys();
  });

  const refused = async (extra: string[], message: string) => {
    const { code, stderr } = await runOnce([...withKeys(keys, await newVolume(), {}), ...extra]);
    expect(code).to.equal(1);
    expect(stderr.match(/ ERROR /g), stderr).to.have.length(2); // the second is their count
    expect(stderr).to.contain(message).and.to.contain("nothing was touched");
    for (const secret of keys.secrets) expect(stderr).not.to.contain(secret);
  };

  it("with a key in a folder, such as a Secret that exists", async () => {
    const folder = newFolder({ WALG_PGP_KEY: "", WALG_PGP_KEY_PASSPHRASE: PASSPHRASE });
    const extra = ["-v", `${folder}:/secret:ro`, "-v", `${keys.folder}/one:/secret/WALG_PGP_KEY:ro`];
    const script = `. /usr/local/bin/entrypoint.sh; read_environment; check_encryption; report_environment; write_walg_env
      . "$WALG_ENV"; cmp <(printf '%s\n' "$WALG_PGP_KEY") /keys/one && echo "$WALG_PGP_KEY_PASSPHRASE"`;
    const { stdout, stderr } = await runOnce(
      ["-u", "postgres", ...withKeys(keys, await newVolume(), { ENCRYPTION_FOLDER: "/secret" }), ...extra],
      ["bash", "-c", script],
    );
    expect(stdout, stderr).to.equal(PASSPHRASE);
  });

  it("with no key that could only encrypt, or is none: each is one clear error at the start", async () => {
    const pgp = (name: string) => environment({ WALG_PGP_KEY_FILE: `/keys/${name}` });
    await refused(pgp("one"), "and its passphrase in WALG_PGP_KEY_PASSPHRASE if it has one");
    await refused(pgp("public"), "so no backup could be restored: the private key is needed");
    await refused(pgp("passphrase"), "WALG_PGP_KEY: wal-g can't encrypt with it");
    await refused(environment({ WALG_PGP_KEY: "" }), "WALG_PGP_KEY: is empty, so nothing would be encrypted");
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
      `${makeSegment(name)}; archive-wal /tmp/wal/${name} && archive-wal /tmp/wal/${name} && truncate -s 100000 ${WAL}/${name}.lz4 &&
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
