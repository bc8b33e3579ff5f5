import { expect } from "chai";
import { Container, newFolder, newVolume, runOnce } from "./docker";
import { options, VOLUME } from "./restore";

export const PASSPHRASE = "correct horse";
/** A text that every row holds. */
export const TEXT = "a row that nobody may read";
/** Folder of the archive's segments. */
export const WAL = `${VOLUME}/archive/18/wal_005`;

/** Creates keys as in docs/backups.md; `both` is a key ring of the first two, `public` can only encrypt. */
const GENERATE = `
  export GNUPGHOME="$(mktemp -d)"
  gpg() { command gpg --batch --quiet --pinentry-mode loopback --passphrase '${PASSPHRASE}' "$@"; }
  for name in one two; do gpg --quick-generate-key "$name" default default never; done
  for names in one two "one two"; do gpg --armor --export-secret-keys $names; echo =====; done
  gpg --armor --export one`;

/** Prints a script's line that creates a segment in /tmp/wal. */
export const makeSegment = (name: string) =>
  `mkdir -p /tmp/wal/archive_status; { head -c 8388608 /dev/urandom; head -c 8388608 /dev/zero; } >/tmp/wal/${name}`;

/** Variables of a container that encrypts with one of the keys. */
export const locked = (name: string) => ({
  WALG_PGP_KEY_FILE: `/keys/${name}`,
  WALG_PGP_KEY_PASSPHRASE_FILE: "/keys/passphrase",
});

/** A folder of keys, mounted as /keys: `one`, `two`, `both`, `public`, `passphrase`, and `current`, which is the first. */
export interface Keys {
  folder: string;
  /** Lines that must not show up anywhere. */
  secrets: string[];
}

export async function makeKeys(): Promise<Keys> {
  const made = await runOnce([], ["bash", "-ec", GENERATE]);
  expect(made.code, made.stderr).to.equal(0);
  const [one = "", two = "", both = "", open = ""] = made.stdout.split("=====\n");
  const secrets = [...`${one}${two}`.split("\n").filter((line) => /^[\w+/=]{20,}$/.test(line)), PASSPHRASE];
  expect(secrets).to.have.length.above(10);
  return {
    folder: newFolder({ one, two, both, public: open, passphrase: PASSPHRASE, current: one }),
    secrets,
  };
}

/** Options of a container that mounts the keys. */
export const withKeys = (keys: Keys, volume: string, variables: Record<string, string> = {}) => [
  ...options(volume, variables),
  "-v",
  `${keys.folder}:/keys:ro`,
];

/** Starts a database with an archive encrypted with `current`: a row, a base backup, and a row after it. */
export async function encryptedDatabase(keys: Keys): Promise<{ volume: string; database: Container }> {
  const volume = await newVolume();
  const database = await Container.start(withKeys(keys, volume, locked("current")));
  await database.isUp();
  await database.sql(`CREATE TABLE rows (n int PRIMARY KEY, t text); INSERT INTO rows VALUES (1, '${TEXT}')`);
  expect((await database.exec("backup.sh")).code).to.equal(0);
  await database.sql(`INSERT INTO rows VALUES (2, '${TEXT}')`);
  await archived(database);
  return { volume, database };
}

/** Runs a script in the container with the archive's environment, but with another key, or none. */
export const using = (container: Container, name: string, script: string) =>
  container.bash(`sed '/_PGP_KEY/d' /run/postgres-stack/walg.env >/tmp/key.env; umask 077
    [ ${name} = none ] || echo 'export WALG_PGP_KEY="$(</keys/${name})" WALG_PGP_KEY_PASSPHRASE="$(</keys/passphrase)"' >>/tmp/key.env
    export WALG_ENV=/tmp/key.env; ${script}`);

/** Waits until everything written so far is archived. */
export async function archived(container: Container): Promise<void> {
  const { code, stderr } = await container.bash(`
    segment="$(psql -XAtqc "SELECT pg_walfile_name(pg_switch_wal() - 1)")"
    for ((i = 0; i < 600; i++)); do [ -e ${WAL}/$segment.lz4 ] && exit; sleep 0.1; done; exit 1`);
  expect(code, stderr).to.equal(0);
}
