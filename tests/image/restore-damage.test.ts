import { expect } from "chai";
import { type Container, newVolume, runOnce } from "./docker";
import "./hooks";
import {
  backup,
  boot,
  bootCopy,
  copyOf,
  givenPrepared,
  options,
  request,
  restoreDone,
  rows,
  VOLUME,
} from "./restore";
import { ask } from "./upgrade";

const STAGED = `${VOLUME}/18/docker.restore`;

describe("image: the verification of a restore", () => {
  const prepared = givenPrepared();
  let verifying: string;
  /** Of table `rows`. */
  let file: string;
  const wanted = () => request(prepared.targets.time.to);

  before(async function () {
    this.timeout("5m");
    const database = await bootCopy(prepared.volume);
    file = await database.sql("SELECT pg_relation_filepath('rows')");
    await database.remove();
    verifying = await copyOf(prepared.volume);
    const kill = { POSTGRES_STACK_KILL_AT: "verifying:after" };
    expect((await runOnce(options(verifying, { ...wanted(), ...kill }))).code).to.equal(137);
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  /** A restore that stopped at its verification, whose staged data are then changed by a script that knows table `rows` as $1. */
  function staged(script: string): Promise<string> {
    return copyOf(verifying, `set -- ${STAGED}/${file}; ${script}`);
  }

  it("fails at a damaged block, by its table's name, and the old data serve on; force takes the data as they are", async () => {
    const volume = await staged(`printf damaged | dd of="$1" bs=1 seek=8000 conv=notrunc status=none`);
    const forced = await copyOf(volume);
    const old = await boot(volume, wanted());
    expect(await old.logs()).to.match(
      /restore one failed: the data are damaged: public.rows of database postgres: .*invalid page.* \(SQLSTATE XX001\).*The old data were not touched/,
    );
    expect(await rows(old)).to.equal("25..25");
    await old.remove();
    const database = await boot(forced, { ...wanted(), RESTORE_FORCE: "true" });
    await restoreDone(database);
    expect(await database.logs()).to.contain("passed over by force: the data are damaged: public.rows");
    expect((await database.exec("psql", "-U", "postgres", "-c", "TABLE rows")).stderr).to.contain(
      "invalid page",
    );
    await database.remove();
  });

  it("fails at a file that is missing", async () => {
    const old = await boot(await staged('rm "$1"'), wanted());
    expect(await old.logs()).to.match(
      /the data are damaged: public.rows of database postgres: .* \(SQLSTATE 58P01\)/,
    );
    expect(await rows(old)).to.equal("25..25");
    await old.remove();
  });

  it("only says what is no damage, and reads names of every kind in databases of every kind", async () => {
    const volume = await newVolume();
    const source = await boot(volume);
    const content = await hostile(source);
    await backup(source);
    await source.stop();
    await source.remove();
    const database = await boot(volume, request("latest"));
    await restoreDone(database);
    expect(await database.logs()).not.to.match(/no damage|can't be read/);
    expect(await kept(database)).to.equal(content);
    await database.remove();
  });

  it("that fails on an empty volume is not repeated for ever: after three times it says so without fetching, and force goes on", async () => {
    const volume = await copyOf(prepared.volume, `rm -r ${VOLUME}/18 ${VOLUME}/.postgres-stack`);
    const never = request("name:never", { RESTORE_BACKUP: prepared.backups[1] as string });
    for (let time = 1; time <= 3; time++) {
      const { code, stderr } = await runOnce(options(volume, never));
      expect(code).to.equal(1);
      expect(stderr).to.match(
        /restore one: fetching(.|\n)*the target name:never did not come.*nothing was initialised/,
      );
    }
    const { code, stderr } = await runOnce(options(volume, never));
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /restore one: it failed 3 times on this empty volume and is not tried again, last: .*RESTORE_FORCE=true/,
    );
    expect(stderr).not.to.contain("fetching");
    const report = await runOnce(options(volume, never), ["restore.sh", "--report"]);
    expect(report.stderr).to.contain("failed: restore one: it failed 3 times");
    const forced = await runOnce(options(volume, { ...never, RESTORE_FORCE: "true" }));
    expect(forced.stderr).to.contain("restore one: fetching");
    const database = await boot(volume, request("latest", { RESTORE_ID: "two" }));
    await restoreDone(database);
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });
});

const DATABASES = [
  "a=b",
  "postgresql://nowhere/x",
  "host=nowhere dbname=x",
  `it's "quoted"; $(id)`,
  "-d dots.and spaces ",
  "ünïcöde ☃",
  "back\\\\slash\\\\n%s",
  "x".repeat(63),
  "tab\\tand\\nnew\\rline",
];

/** Fills a cluster with what breaks tools that read everything. Returns what `kept` says about it. */
async function hostile(server: Container): Promise<string> {
  for (const name of DATABASES) {
    await ask(
      server,
      "postgres",
      `SELECT format('CREATE DATABASE %I', E'${name.replaceAll("'", "''")}') \\gexec`,
    );
  }
  await ask(
    server,
    "postgres",
    "CREATE DATABASE shop; CREATE DATABASE guarded; CREATE DATABASE closed; CREATE DATABASE half",
  );
  await ask(
    server,
    "guarded",
    `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not here'; END $$;
    CREATE EVENT TRIGGER no_login ON login EXECUTE FUNCTION refuse();`,
  );
  await ask(
    server,
    "shop",
    String.raw`
    CREATE FUNCTION fails(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$;
    CREATE TABLE kept AS SELECT n, n::text AS word FROM generate_series(1, 3000) AS n;
    CREATE INDEX kept_fails ON kept (fails(n)); CREATE INDEX kept_where ON kept (n) WHERE fails(n) = 1;
    CREATE MATERIALIZED VIEW never_filled AS SELECT fails(n) FROM kept WITH NO DATA;
    CREATE VIEW failing AS SELECT fails(1), 1 / (random() * 0)::int AS division;
    CREATE TABLE hidden (n int); INSERT INTO hidden VALUES (1); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
    CREATE POLICY nobody ON hidden USING (fails(n) = 2);
    CREATE UNLOGGED TABLE fleeting (n int PRIMARY KEY); INSERT INTO fleeting VALUES (1);
    CREATE TABLE computed (n int, twice int GENERATED ALWAYS AS (n * 2) STORED, thrice int GENERATED ALWAYS AS (n * 3) VIRTUAL); INSERT INTO computed VALUES (1);
    CREATE DOMAIN short AS text CHECK (length(value) < 10); CREATE TABLE typed (a short); INSERT INTO typed VALUES ('one');
    ALTER DOMAIN short ADD CONSTRAINT too_late CHECK (value <> 'one') NOT VALID;
    CREATE TABLE ruled (n int); CREATE RULE nothing_in AS ON INSERT TO ruled DO INSTEAD NOTHING;
    CREATE TABLE parent (n int); CREATE TABLE child () INHERITS (parent);
    CREATE TABLE logs (k text, n int) PARTITION BY LIST (k); CREATE TABLE logs_a PARTITION OF logs FOR VALUES IN ('a'); CREATE INDEX ON ONLY logs (n);
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE lost (line text) SERVER files OPTIONS (filename '/not/there');
    CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE other_method (n int) USING heap_too;
    CREATE TABLE large (t text); ALTER TABLE large ALTER t SET STORAGE external; INSERT INTO large SELECT repeat('x', 100000);
    CREATE TABLE nothing ();
    CREATE TABLE "Ta""ble it's = a.b; \echo x" (n int); CREATE SCHEMA "a.b ""c""";
    SELECT format('CREATE TABLE "a.b ""c""".%I (n int)', E'new\nline\\if \r:ERROR') \gexec
    CREATE FUNCTION public.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
    CREATE OPERATOR public.= (FUNCTION = public.equal, LEFTARG = text, RIGHTARG = text);
    CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
    CREATE VIEW public.pg_class AS SELECT 1 / 0 AS oid;
    ALTER DATABASE shop SET search_path = public, pg_catalog; ALTER DATABASE shop SET default_transaction_read_only = on;
    ALTER DATABASE shop SET statement_timeout = '1ms'; ALTER DATABASE shop SET enable_tidscan = off;
    ALTER DATABASE shop SET zero_damaged_pages = on; ALTER DATABASE shop SET lc_messages = 'en_US.utf8';
    ALTER DATABASE shop SET session_preload_libraries = 'not_there'; CREATE ROLE nobody; ALTER DATABASE shop SET role = nobody;
    CREATE OR REPLACE FUNCTION fails(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'fails'; END $$;`,
  );
  await ask(
    server,
    "postgres",
    "ALTER DATABASE closed ALLOW_CONNECTIONS false; UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half'",
  );
  return kept(server);
}

async function kept(server: Container): Promise<string> {
  const names = await server.sql(
    "SELECT string_agg(quote_literal(datname), ' ' ORDER BY oid) FROM pg_database",
  );
  const { stdout, stderr } = await server.exec(
    "env",
    "PGOPTIONS=-c event_triggers=off -c session_preload_libraries= -c role=none -c statement_timeout=0",
    "psql",
    "-U",
    "postgres",
    "-d",
    "shop",
    "-XAtqc",
    "SELECT count(*), sum(n) FROM kept",
  );
  return `${names} ${stdout} ${stderr}`;
}
