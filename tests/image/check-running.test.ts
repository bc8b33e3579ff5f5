import { expect } from "chai";
import { Container, environment, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";
import { imageOf, needMajors } from "./majors";

const CONF_D = "/etc/postgresql/conf.d";
const SECRET = environment({ POSTGRES_PASSWORD: "secret" });
const conf = (content: string) => ["-v", `${newFolder({ "stack.conf": content })}:${CONF_D}:ro`];

/** The settings that the server of these tests runs with. */
const NOW = [
  "wal_level = logical",
  "max_prepared_transactions = 5",
  "max_replication_slots = 9",
  "max_active_replication_origins = 9",
  "max_connections = 40",
  "track_commit_timestamp = on",
  "",
].join("\n");

/** Room for about 300 locks. */
const FEW_LOCKS = NOW.replace("max_connections = 40", "max_connections = 5").concat(
  "max_locks_per_transaction = 10\nmax_worker_processes = 1\nmax_wal_senders = 1\n",
);

/** Checks new settings beside a running server. */
function check(server: Container, content: string, variables: Record<string, string> = {}, image?: string) {
  const client = environment({ PGHOST: "127.0.0.1", PGPASSWORD: "secret", ...variables });
  const beside = ["--network", `container:${server.id}`];
  return runOnce([...beside, ...conf(content), ...client], ["check-settings.sh"], image);
}

describe("image: settings that what the running server holds leaves no room for", () => {
  let server: Container;
  let volume: string;

  before(async function () {
    this.timeout("3m");
    volume = await newVolume();
    const hba = "local all,replication all peer map=container\nhost all all all scram-sha-256\n";
    const files = ["-v", `${newFolder({ "pg_hba.conf": hba })}/pg_hba.conf:/etc/postgresql/pg_hba.conf:ro`];
    server = await Container.ready([
      ...[...SECRET, ...conf(NOW), ...files],
      ...["-v", `${volume}:/var/lib/postgresql`],
    ]);
  });
  after(() => server?.remove());

  /** Expects a refusal that touches nothing, with all of this in the message. */
  async function refused(content: string, ...parts: (string | RegExp)[]): Promise<void> {
    const { code, stderr } = await check(server, content);
    expect(code, stderr).to.equal(1);
    expect(stderr).to.include("would not start again with these settings").and.include("it was not touched");
    for (const part of parts) {
      if (typeof part === "string") expect(stderr).to.include(part);
      else expect(stderr).to.match(part);
    }
  }

  async function accepted(content: string): Promise<void> {
    const { code, stderr } = await check(server, content);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("the server that runs holds nothing that would keep it from starting");
  }

  const inDatabase = async (database: string, script: string) => {
    const { code, stderr } = await server.bash(`psql -XAtq -v ON_ERROR_STOP=1 <<'SQL'\n${script}\nSQL`, {
      PGDATABASE: database,
      PGUSER: "postgres",
    });
    expect(code, stderr).to.equal(0);
  };

  it("accepts what leaves room for everything, and less of all while nothing is held", async () => {
    await accepted(NOW);
    await accepted("max_connections = 22\nmax_replication_slots = 1\nmax_wal_senders = 1\n");
  });

  it("names a logical slot when wal_level: logical leaves the settings, and how it is dropped", async () => {
    await server.sql("SELECT pg_create_logical_replication_slot('reader', 'pgoutput')");
    await refused(
      NOW.replace("wal_level = logical", ""),
      "wal_level = replica is not enough for replication slot reader (logical, database postgres, plugin pgoutput)",
      "leave logical, or drop the slot if nobody reads it: SELECT pg_drop_replication_slot('reader')",
    );
  });

  it("names a physical slot when wal_level goes down to minimal", async () => {
    await server.sql("SELECT pg_create_physical_replication_slot('standby_1')");
    await refused(
      NOW.replace("wal_level = logical", "wal_level = minimal\nmax_wal_senders = 0"),
      "wal_level = minimal is not enough for replication slot standby_1 (physical): leave replica",
    );
  });

  it("counts the slots, and names them", async () => {
    await refused(
      NOW.replace("slots = 9", "slots = 1"),
      "max_replication_slots = 1 is too few for 2 replication slots (reader, standby_1): raise it, or drop those",
    );
  });

  it("names prepared transactions with their database, whatever their names are", async () => {
    const database = `odd=name "of it's`;
    await server.sql(`CREATE DATABASE "${database.replaceAll('"', '""')}"`);
    await inDatabase(database, "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'it''s; a \"gid\"';");
    await inDatabase("postgres", "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'second';");
    await refused(
      NOW.replace("max_prepared_transactions = 5", "max_prepared_transactions = 1"),
      "max_prepared_transactions = 1 is too few for 2 prepared transactions ('it''s; a \"gid\"' in database " +
        `"${database.replaceAll('"', '""')}", 'second' in database postgres): raise it, or end them there: COMMIT PREPARED`,
    );
    await refused(NOW.replace(/max_prepared.*/, ""), "max_prepared_transactions = 0 is too few for 2");
  });

  it("counts the locks of prepared transactions, which a start takes again", async () => {
    const tables = "SELECT format('CREATE TABLE t%s ()', n) FROM generate_series(1, 900) AS n \\gexec";
    await inDatabase("postgres", `BEGIN;\n${tables}\nPREPARE TRANSACTION 'many';`);
    await refused(FEW_LOCKS, /max_locks_per_transaction = 10 leaves no room for the \d+ locks of prepared/);
  });

  it("counts replication origins, and names five of many", async () => {
    await server.sql(`SELECT pg_replication_origin_create('from-' || n) FROM generate_series(1, 6) AS n`);
    for (let n = 1; n <= 6; n++) await server.sql(`SELECT pg_replication_origin_advance('from-${n}', '0/1')`);
    await refused(
      NOW.replace("origins = 9", "origins = 2"),
      /max_active_replication_origins = 2 is too few for 6 replication origins \('from-1', .*'from-5', ...\)/,
    );
  });

  it("names an enabled subscription that tells conflicts by commit timestamps", async () => {
    const connection = "host=127.0.0.1 port=9 dbname=nowhere";
    await server.sql(
      `CREATE SUBSCRIPTION news CONNECTION '${connection}' PUBLICATION p WITH (connect = false, slot_name = 'x')`,
    );
    await accepted(NOW.replace("track_commit_timestamp = on", ""));
    await server.sql("ALTER SUBSCRIPTION news ENABLE");
    await refused(
      NOW.replace("track_commit_timestamp = on", ""),
      "by which subscription news in database postgres tells conflicts: leave it on, or disable the subscription",
    );
    await refused(
      `${NOW}max_logical_replication_workers = 0\n`,
      "max_logical_replication_workers = 0 is too few for 1 enabled subscriptions (news in database postgres)",
    );
    await server.sql("ALTER SUBSCRIPTION news DISABLE");
  });

  it("names what uses an extension whose library would not be preloaded any more; unused, it may go", async () => {
    const without = `${NOW}shared_preload_libraries = ''\n`;
    await accepted(without); // the extension itself is in every database of this image
    await server.sql("CREATE DATABASE shop");
    await inDatabase(
      "shop",
      "CREATE EXTENSION pg_stat_statements; CREATE VIEW slow AS SELECT * FROM pg_stat_statements",
    );
    await refused(
      without,
      "shared_preload_libraries without pg_stat_statements: view public.slow in database shop need it preloaded",
    );
    await inDatabase("shop", "DROP VIEW slow");
    await accepted(without);
  });

  it("refuses a name that no database has, and takes one that a database has", async () => {
    const named = `${NOW}default_text_search_config = 'shop.words'\n`;
    await refused(
      `${named}default_table_access_method = columns\n`,
      "default_text_search_config = shop.words: no database has such a text search configuration",
      "default_table_access_method = columns: no database has such an access method",
    );
    await inDatabase(
      "shop",
      "CREATE SCHEMA shop; CREATE TEXT SEARCH CONFIGURATION shop.words (COPY = english)",
    );
    await accepted(named);
  });

  it("counts what ALTER SYSTEM says, which wins over the settings at the next start", async () => {
    await server.sql("ALTER SYSTEM SET reserved_connections = 20");
    const { code, stderr } = await check(server, NOW.replace("max_connections = 40", "max_connections = 22"));
    await server.sql("ALTER SYSTEM RESET reserved_connections");
    expect(code, stderr).to.equal(1);
    expect(stderr)
      .to.include("and those that ALTER SYSTEM made on the server that runs (reserved_connections)")
      .and.include("must be less than");
  });

  it("names a standby before its primary gets more connections than it replays with", async () => {
    const standby = [
      "pg_basebackup -D /tmp/standby -R -c fast -d application_name=east",
      "echo \"max_connections = 40\nport = 5433\nlisten_addresses = ''\" >>/tmp/standby/postgresql.conf",
      "pg_ctl -D /tmp/standby -o '-c unix_socket_directories=/tmp -c max_prepared_transactions=5' -w -l /tmp/log start",
    ].join(" && ");
    const { code, stderr } = await server.bash(standby);
    expect(code, stderr).to.equal(0);
    await refused(
      NOW.replace("max_connections = 40", "max_connections = 41"),
      "max_connections = 41 is more than the 40 of now, and standby 'east' of role postgres",
      "raise it there first",
    );
    await refused(
      `${NOW}max_wal_senders = 0\n`,
      "max_wal_senders = 0 is too few for 1 replication connections ('east' of role postgres)",
    );
    await accepted(NOW);
    await server.bash("pg_ctl -D /tmp/standby -m immediate stop");
  });

  it("refuses settings with which the server starts, and no session does", async () => {
    const { code, stderr } = await check(server, `${NOW}session_preload_libraries = 'no_such_library'\n`);
    expect(code, stderr).to.equal(1);
    expect(stderr).to.include("but no session does").and.include('could not access file "no_such_library"');
  });

  it("says all of it at once", async () => {
    await refused(
      "max_replication_slots = 1\n",
      "max_replication_slots = 1 is too few",
      "max_prepared_transactions = 0 is too few",
      "is not enough for replication slot reader",
    );
  });

  it("says that a server with another password can't be asked, and is no obstacle", async () => {
    const { code, stderr } = await check(server, "work_mem = 8MB\n", { PGPASSWORD: "another" });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("the server at 127.0.0.1 answers, but can't be asked what it holds");
  });

  it("says that a server which is down was not asked, and is no obstacle: an update may be what it needs", async () => {
    await server.stop();
    const variables = environment({ PGHOST: "127.0.0.1", PGPASSWORD: "secret" });
    const { code, stderr } = await runOnce(
      [...conf("work_mem = 8MB\n"), ...variables],
      ["check-settings.sh"],
    );
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("no server answers at 127.0.0.1").and.include("was not asked");
  });

  const FATAL: [string, string, RegExp][] = [
    ["a logical slot", NOW.replace("wal_level = logical", ""), /"reader" exists, but "?wal_level/],
    ["too few slots", NOW.replace("slots = 9", "slots = 1"), /too many replication slots active/],
    ["too few prepared transactions", NOW.replace(/max_prepared.*/, ""), /maximum number of prepared/],
    ["too few locks", FEW_LOCKS, /out of shared memory/],
    ["too few origins", NOW.replace("origins = 9", "origins = 2"), /could not find free replication state/],
  ];
  for (const [what, content, message] of FATAL) {
    it(`was right: PostgreSQL itself does not start with ${what}`, async () => {
      const start = 'postgres -D "$PGDATA" -c config_file=/etc/postgresql/postgresql.conf';
      const { code, stderr } = await runOnce(
        ["-u", "postgres", "-v", `${volume}:/var/lib/postgresql`, ...conf(content)],
        ["bash", "-c", `timeout 30 ${start}`],
      );
      expect(code, stderr).not.to.be.oneOf([0, 124]);
      expect(stderr).to.match(message);
    });
  }
});

describe("image: a check beside a server of another kind", () => {
  it("tries the settings with the server's segments, whose size was chosen when it was initialised", async () => {
    const server = await Container.ready([
      ...[...SECRET, ...environment({ POSTGRES_INITDB_ARGS: "--wal-segsize=64" })],
    ]);
    const enough = await check(server, "work_mem = 8MB\n");
    const { code, stderr } = await check(server, "min_wal_size = 96MB\n");
    await server.remove();
    expect(enough.code, enough.stderr).to.equal(0);
    expect(code, stderr).to.equal(1);
    expect(stderr).to.include("PostgreSQL does not start with these settings").and.include("min_wal_size");
  });

  for (const major of [17, 19]) {
    it(`asks a server of ${major} too`, async function () {
      this.timeout("5m");
      needMajors(this, major);
      const image = await imageOf(major);
      const server = await Container.start([...SECRET, ...conf("wal_level = logical\n")], [], image);
      await server.becomesReady();
      await server.sql("SELECT pg_create_logical_replication_slot('reader', 'pgoutput')");
      const less = await check(server, "", {}, image);
      const none = await check(server, "max_replication_slots = 0\n", {}, image);
      await server.remove();
      expect(none.code, none.stderr).to.equal(1);
      expect(none.stderr).to.include("max_replication_slots = 0 is too few for 1 replication slots (reader)");
      expect(less.code, less.stderr).to.equal(major === 19 ? 0 : 1); // there, a slot switches logical decoding on
    });
  }
});
