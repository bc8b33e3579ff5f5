import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../local/process";
import { Container, must, newVolume, runOnce } from "./docker";
import "./hooks";
import {
  alter,
  boot,
  dies,
  differing,
  isSound,
  nodes,
  OLD,
  OLD_DEFAULT,
  oldCollation,
  options,
  PERMIT,
  RECORD,
  REPORT,
  record,
  refused,
  remember,
  UNTOUCHED,
} from "./collation";
import { change, copyOf, removeVolume } from "./restore";

describe("image: the collation guard", () => {
  let base: string;
  let provided: string;
  let untouched: string;
  let planned: string;

  /** A copy of the database after these statements, last served by an image with other versions. */
  const aged = async (...statements: string[]) => {
    const volume = await copyOf(base);
    if (statements.length > 0) await alter(volume, ...statements);
    await remember(volume, OLD);
    return volume;
  };
  const leave = async (database: Container, volume: string) => {
    await database.remove();
    await removeVolume(volume);
  };

  before(async function () {
    this.timeout("4m");
    base = await newVolume();
    const database = await boot(base);
    await database.sql(
      "CREATE DATABASE bytes TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    );
    await database.exec(
      "psql",
      "-U",
      "postgres",
      "bytes",
      "-c",
      "CREATE TABLE t AS SELECT n::text FROM generate_series(1, 9) AS n",
    );
    await database.exec("psql", "-U", "postgres", "bytes", "-c", "CREATE INDEX ON t (n)");
    await database.sql(`
      CREATE TABLE names (n int PRIMARY KEY, name text UNIQUE, c text COLLATE "C");
      INSERT INTO names SELECT n, md5(n::text), md5(n::text) FROM generate_series(1, 2000) AS n;
      CREATE INDEX names_c ON names (c);
      CREATE INDEX names_pattern ON names (name text_pattern_ops);
      CREATE INDEX names_n_where ON names (n) WHERE name < 'm';
      CREATE TABLE words (de text COLLATE "de-x-icu", fr text COLLATE "fr-x-icu");
      INSERT INTO words SELECT md5(n::text), md5(n::text) FROM generate_series(1, 2000) AS n;
      CREATE INDEX words_de ON words (de);
      CREATE INDEX words_fr ON words (fr);
    `);
    provided = await record(database);
    untouched = await nodes(database, ...UNTOUCHED);
    planned =
      await database.sql(`SELECT concat_ws(E'\\t', 'postgres', 'index', oid, pg_relation_filenode(oid), 8192,
      'public.words_fr', '"fr-x-icu"', 'i', 'fr', '1.0', '2.0') FROM pg_class WHERE relname = 'words_fr'`);
    expect(await database.logs()).not.to.contain("collations:");
    await database.stop();
    await database.remove();
  });

  it("records the versions that a new volume begins with", () => {
    expect(provided).to.match(/^glibc=\d+\.\d+ icu=\d+\.\d+$/);
  });

  it("starts no server of its own when the image is the same", async () => {
    const volume = await copyOf(base);
    const database = await boot(volume);
    expect(await database.logs()).not.to.contain("collations:");
    await leave(database, volume);
  });

  it("looks at a volume from before there was a record, and writes it", async () => {
    const volume = await copyOf(base);
    await change(volume, `rm ${RECORD}`);
    const database = await boot(volume);
    expect(await database.logs())
      .to.contain("last served with versions that nobody recorded")
      .and.to.contain("no index depends on a version that changed");
    expect(await record(database)).to.equal(provided);
    await leave(database, volume);
  });

  it("lets a database through that has only C, builtin and unaffected ICU collations", async () => {
    const volume = await aged("DROP TABLE names", OLD_DEFAULT, oldCollation("es-x-icu"));
    const database = await boot(volume);
    expect(await database.logs()).to.contain("no index depends on a version that changed");
    expect(await differing(database)).to.equal("0");
    expect(await database.sql("SELECT datallowconn FROM pg_database WHERE datname = 'template0'")).to.equal(
      "f",
    );
    expect(await record(database)).to.equal(provided);
    await leave(database, volume);
  });

  it("refuses by name what the default collation orders, and changes nothing", async () => {
    const volume = await aged(OLD_DEFAULT, "CREATE TABLE logs (k text) PARTITION BY RANGE (k)");
    const log = await refused(volume);
    expect(log)
      .to.contain("glibc 1.0 -> ")
      .and.to.contain("indexes: 2, partitioned tables: 1 (postgres: public.names_name_key, ")
      .and.to.contain("bounds of public.logs")
      .and.to.contain(`put back the image from before with ${OLD}`)
      .and.to.contain("PG_REINDEX_COLLATIONS=true")
      .and.not.to.match(/names_c|names_pattern|names_pkey|words|listening on IPv4/);
    const { stdout } = await runOnce(options(volume), ["cat", RECORD, REPORT]);
    expect(stdout.split("\n")[0]).to.equal(OLD);
    expect(stdout).to.match(/^postgres\tindex\tpublic.names_n_where\t"default"\t1.0\t\d+\.\d+$/m);
    // as if the earlier image came back
    await alter(
      volume,
      `UPDATE pg_database SET datcollversion = pg_database_collation_actual_version(oid) WHERE datcollversion IS NOT NULL`,
    );
    const database = await boot(volume);
    expect(await nodes(database, ...UNTOUCHED)).to.equal(untouched);
    expect(await database.sql("SELECT count(*) FROM names")).to.equal("2000");
    await leave(database, volume);
  });

  it("rebuilds just the index of an ICU collation that changed, when it may", async () => {
    const volume = await aged(oldCollation("de-x-icu"));
    expect(await refused(volume)).to.contain("indexes: 1 (postgres: public.words_de)");
    const database = await boot(volume, PERMIT);
    expect(await database.logs()).to.contain(
      "collations: reindexing 1 of 1: public.words_de of database postgres",
    );
    expect(await nodes(database, ...UNTOUCHED)).to.equal(untouched);
    expect(await differing(database)).to.equal("0");
    expect(await record(database)).to.equal(provided);
    expect((await database.exec("test", "-e", REPORT)).code).to.equal(1);
    await isSound(database);
    await leave(database, volume);
  });

  it("killed at any of its points, finishes at a later start and rebuilds nothing twice", async () => {
    const volume = await aged(OLD_DEFAULT, oldCollation("de-x-icu"));
    for (const point of ["reindexing:written", "reindexing:after", "reindexed:after"])
      await dies(volume, point);
    const first = "SELECT pg_relation_filenode('names_name_key')";
    const lines = await runOnce(options(volume), ["head", "-n", "2", RECORD]);
    expect(lines.stdout).to.match(new RegExp(`^reindexing ${provided}\npostgres\tindex\t.*names_name_key`));
    for (const point of ["refreshed:after", "collations:before", "collations:renamed"])
      await dies(volume, point);
    const database = await boot(volume, PERMIT);
    const left = lines.stdout.split("\n")[1]?.split("\t")[3];
    expect(await database.sql(first)).not.to.equal(left);
    expect(await differing(database)).to.equal("0");
    expect(await record(database)).to.equal(provided);
    expect(await nodes(database, ...UNTOUCHED)).to.equal(untouched);
    await isSound(database);
    await leave(database, volume);
  });

  it("begun and then left to the image from before, refuses there what was rebuilt by then", async () => {
    const volume = await aged(OLD_DEFAULT);
    await dies(volume, "reindexed:after");
    // to this image, another one did the rebuild, and the catalogs hold that one's versions
    await change(volume, `sed -i '1s/.*/reindexing ${OLD}/' ${RECORD}`);
    await alter(
      volume,
      `UPDATE pg_database SET datcollversion = pg_database_collation_actual_version(oid) WHERE datcollversion IS NOT NULL`,
    );
    expect(await refused(volume)).to.contain(
      "a rebuild that was begun: indexes: 1 (postgres: public.names_name_key)",
    );
    const database = await boot(volume, PERMIT);
    expect(await record(database)).to.equal(provided);
    await isSound(database);
    await leave(database, volume);
  });

  it("rebuilds what was planned although the catalogs agree, as after an upgrade", async () => {
    const volume = await copyOf(base);
    await remember(volume, `reindexing ${provided}\n${planned}`);
    expect(await refused(volume)).to.contain("indexes: 1 (postgres: public.words_fr)");
    const database = await boot(volume, PERMIT);
    expect((await nodes(database, ...UNTOUCHED)).split(" ").slice(0, 3)).to.deep.equal(
      untouched.split(" ").slice(0, 3),
    );
    expect(await nodes(database, ...UNTOUCHED)).not.to.equal(untouched);
    expect(await record(database)).to.equal(provided);
    await leave(database, volume);
  });

  it("names a unique index that duplicates keep from being rebuilt", async () => {
    const unique = (is: boolean) =>
      `UPDATE pg_index SET indisunique = ${is} WHERE indexrelid = 'names_name_key'::regclass`;
    const volume = await aged(
      unique(false),
      "INSERT INTO names SELECT 0, name FROM names WHERE n = 7",
      unique(true),
      OLD_DEFAULT,
    );
    const log = await refused(volume, PERMIT);
    expect(log)
      .to.contain(
        'index public.names_name_key of database postgres can\'t be rebuilt: could not create unique index "names_name_key"',
      )
      .and.to.contain("duplicates can be removed there");
    await alter(volume, "DELETE FROM names WHERE n = 0");
    const database = await boot(volume, PERMIT);
    await isSound(database);
    await leave(database, volume);
  });

  it("shows its progress to the probe, and ends in order when it is told to stop", async () => {
    const slow = (seconds: number) =>
      `CREATE OR REPLACE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(${seconds}); RETURN $1; END'`;
    const volume = await aged(
      slow(0),
      "CREATE INDEX names_slow ON names (slow(name)) WHERE n = 1",
      slow(600),
      OLD_DEFAULT,
    );
    const database = await Container.start(options(volume, PERMIT));
    await database.logged(/collations: reindexing \d of 3: public.names_slow/);
    const probe = await until("the probe sees it", async () => {
      const startup = await database.probe("startup");
      return startup.code === 0 && startup.stdout;
    });
    expect(probe).to.match(
      /^preparing: collations: reindexing \d of 3: public.names_slow of database postgres/,
    );
    expect((await database.probe("readiness")).code).to.equal(1);
    await database.logged(/names_slow of database postgres, \d+ KiB; building index/);
    await database.kill("TERM");
    expect(await database.ends()).to.equal(143);
    expect(await database.logs()).to.contain("database system is shut down");
    await leave(database, volume);
  });

  it("says what a rebuild can't help: partitions by text, and databases that refuse connections", async () => {
    const volume = await aged(
      "DROP TABLE names",
      "CREATE DATABASE closed ALLOW_CONNECTIONS false",
      "CREATE TABLE logs (k text) PARTITION BY RANGE (k)",
      "CREATE TABLE logs_a PARTITION OF logs FOR VALUES FROM ('a') TO ('m')",
      "INSERT INTO logs VALUES ('b'), ('c')",
      OLD_DEFAULT,
    );
    expect(await refused(volume)).to.contain(
      "indexes: 0, partitioned tables: 1, databases that refuse connections: 1",
    );
    const database = await boot(volume, PERMIT);
    expect(await database.logs())
      .to.contain("WARN [entrypoint] collations: database closed refuses connections")
      .and.to.contain("WARN [entrypoint] collations: rows of public.logs in database postgres may lie");
    const page = readFileSync(join(__dirname, "../../docs/collations.md"), "utf8");
    const query = /```sql\n(.*?)```/s.exec(page)?.[1] ?? "";
    expect((await database.bash(`psql -XAt <<'SQL'\n${query}\nSQL`)).stdout).to.equal("logs_a|0");
    await leave(database, volume);
  });

  after(async () => {
    await must(["volume", "rm", base]);
  });
});
