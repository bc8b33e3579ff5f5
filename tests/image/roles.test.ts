import { expect } from "chai";
import { Container, docker, environment, newFolder, newVolume } from "./docker";
import "./hooks";

const HOSTILE = 'it\'s "quoted" $HOME `id` \\password é % :x';

/** Settings of a database that disturb its sessions; the application's database has none of them. */
const DISTURBING = `
  CREATE ROLE nobody;
  CREATE SCHEMA hostile;
  CREATE TABLE hostile.pg_roles AS SELECT 'none'::name AS rolname, true AS rolcanlogin;
  CREATE TABLE hostile.pg_extension AS SELECT 'none'::name AS extname;
  CREATE FUNCTION hostile.format(text, VARIADIC name[]) RETURNS text LANGUAGE sql AS $$SELECT 'SELECT 1/0'$$;
  CREATE FUNCTION hostile.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS $$SELECT true$$;
  CREATE FUNCTION hostile.never(name, text) RETURNS bool LANGUAGE sql AS $$SELECT false$$;
  CREATE OPERATOR hostile.= (FUNCTION = hostile.never, LEFTARG = name, RIGHTARG = text);
  CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'refused by %', TG_EVENT; END$$;
  ALTER SYSTEM SET default_transaction_read_only = on;
  ALTER SYSTEM SET password_encryption = 'md5';
  ALTER ROLE postgres SET default_transaction_read_only = on;
  ALTER ROLE postgres SET role = nobody;
  ALTER ROLE postgres SET datestyle = 'SQL, DMY';
  ALTER DATABASE postgres SET search_path = hostile, pg_catalog;
  ALTER ROLE postgres IN DATABASE postgres SET idle_session_timeout = 1;
  ALTER ROLE postgres IN DATABASE postgres SET transaction_timeout = 1;
  ALTER DATABASE postgres SET statement_timeout = 1;
  CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION refuse();
  CREATE EVENT TRIGGER no_login ON login EXECUTE FUNCTION refuse();
  ALTER EVENT TRIGGER no_login ENABLE ALWAYS;
  ALTER DATABASE postgres SET session_preload_libraries = 'missing';
`;

describe("image: a database that disturbs every session in it", () => {
  const archive = { WALG_FILE_PREFIX: "/var/lib/postgresql/archive", BACKUP_SCHEDULE: "external" };
  const changed = { POSTGRES_PASSWORD: "second", APP_USER: "app", APP_PASSWORD: "app-secret" };
  const calm =
    "-c statement_timeout=0 -c transaction_timeout=0 -c idle_session_timeout=0 -c session_preload_libraries= -c event_triggers=off -c role=none -c search_path=pg_catalog";
  let database: Container;

  before(async function () {
    this.timeout("3m");
    const mount = ["-v", `${await newVolume()}:/var/lib/postgresql`];
    const quiet = await Container.ready([
      ...mount,
      ...environment({ ...archive, POSTGRES_PASSWORD: "first" }),
    ]);
    const { code, stderr } = await docker(
      ["exec", "-i", quiet.id, "psql", "-U", "postgres", "-Xqv", "ON_ERROR_STOP=1"],
      DISTURBING,
    );
    expect(code, stderr).to.equal(0);
    expect((await quiet.exec("psql", "-U", "postgres", "-c", "SELECT 1")).code).to.equal(2);
    await quiet.stop();
    await quiet.remove();
    database = await Container.ready(
      [...mount, ...environment({ ...archive, ...changed })],
      ["postgres", "-c", "log_statement=ddl"],
    );
  });
  after(() => database?.remove());

  const ask = async (query: string) => {
    const options = ["-e", `PGOPTIONS=${calm}`, database.id, "psql", "-U", "postgres", "-XAtqc", query];
    return (await docker(["exec", ...options])).stdout;
  };

  it("becomes ready, with the roles and passwords of the environment, kept as SCRAM", async () => {
    expect((await database.login("app", "app-secret", "SELECT 1", "app")).stdout).to.equal("1");
    expect((await database.login("postgres", "second", "SELECT 1", "app")).stdout).to.equal("1");
    expect((await database.login("postgres", "first", "SELECT 1", "app")).code).not.to.equal(0);
    const verifiers = "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM%'";
    expect(await ask(verifiers)).to.equal("2");
  });

  it("is not told to create what is there", async () => {
    const log = await database.logs();
    expect(log).to.contain("CREATE DATABASE app").and.not.to.contain("CREATE EXTENSION");
    expect(log).not.to.match(/WARN|ERROR \[/);
  });

  it("is backed up, gets its checkpoint before a stop, and has its settings applied", async () => {
    for (const command of ["backup.sh", "pre-stop.sh", "apply-settings.sh"]) {
      const { code, stderr } = await database.exec(command);
      expect(code, stderr).to.equal(0);
      expect(stderr).not.to.match(/WARN|ERROR/);
    }
  });
});

describe("image: the extension that counts statements", () => {
  it("is no reason not to be ready where it can't be created", async () => {
    const mount = [
      "-v",
      `${await newVolume()}:/var/lib/postgresql`,
      ...environment({ POSTGRES_PASSWORD: "x" }),
    ];
    const database = await Container.ready(mount);
    await database.sql("DROP EXTENSION pg_stat_statements; ALTER SCHEMA public RENAME TO elsewhere");
    await database.stop();
    await database.start();
    await database.becomesReady();
    await database.logged(
      /WARN \[roles\] the extension pg_stat_statements is not there and can't be created/,
    );
    await database.remove();
  });
});

const CONTROLS = "tab\t bell\x07 end";

describe("image: roles and passwords", () => {
  let volume: string;
  let files: string;
  const start = (variables: Record<string, string>) =>
    Container.ready(
      ["-v", `${volume}:/var/lib/postgresql`, "-v", `${files}:/files:ro`, ...environment(variables)],
      ["postgres", "-c", "log_statement=all"],
    );

  before(async function () {
    this.timeout("2m");
    volume = await newVolume();
    files = newFolder({ superuser: HOSTILE, windows: "from windows\r\n", controls: CONTROLS });
  });

  it("takes a password of quotes, spaces, dollars and backslashes, given as a file", async () => {
    const database = await start({ POSTGRES_PASSWORD_FILE: "/files/superuser" });
    expect((await database.login("postgres", HOSTILE)).stdout).to.equal("1");
    expect(await database.logs())
      .not.to.contain("it's")
      .and.not.to.contain("SCRAM-SHA-256");
    await database.remove();
  });

  it("follows a change of the environment on an old volume: the new password works, the old one fails", async () => {
    const database = await start({ POSTGRES_PASSWORD: "second" });
    expect((await database.login("postgres", "second")).stdout).to.equal("1");
    expect((await database.login("postgres", HOSTILE)).code).not.to.equal(0);
    await database.remove();
  });

  it("takes a file made on Windows, which our own clients read alike", async () => {
    const database = await start({ POSTGRES_PASSWORD_FILE: "/files/windows" });
    expect((await database.login("postgres", "from windows")).stdout).to.equal("1");
    expect((await database.login("postgres", "from windows\r")).code).not.to.equal(0);
    const client = [
      "-e",
      "PGHOST=127.0.0.1",
      "-e",
      "PGPASSWORD_FILE=/files/windows",
      "-e",
      "APPLY_DEADLINE=1",
    ];
    const applied = await docker(["exec", ...client, database.id, "apply-settings.sh"]);
    expect(applied.code, applied.stderr).to.equal(0);
    await database.remove();
  });

  it("takes other control characters as they are", async () => {
    const database = await start({ POSTGRES_PASSWORD_FILE: "/files/controls" });
    expect((await database.login("postgres", CONTROLS)).stdout).to.equal("1");
    await database.remove();
  });

  it("creates the application's role and database, whose owner it is", async () => {
    const database = await start({ APP_USER: 'my "app"', APP_PASSWORD: HOSTILE, APP_DATABASE: "app's data" });
    const owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app''s data'";
    expect(await database.sql(owner)).to.equal('my "app"');
    const role = "SELECT rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'my \"app\"'";
    expect(await database.sql(role)).to.equal("t|f|f");
    const created = await database.login("'my \"app\"'", HOSTILE, "CREATE TABLE mine ()", "'app\\'s data'");
    expect(created.stderr).to.equal("");
    expect((await database.login("postgres", CONTROLS)).stdout).to.equal("1");
    await database.remove();
  });

  it("repairs a role that may no longer log in and a database that changed hands", async () => {
    const app = { APP_USER: 'my "app"', APP_PASSWORD: "third", APP_DATABASE: "app's data" };
    const spoiled = await start(app);
    await spoiled.sql(`ALTER ROLE "my ""app""" NOLOGIN; ALTER DATABASE "app's data" OWNER TO postgres`);
    await spoiled.remove();
    const database = await start(app);
    expect((await database.login("'my \"app\"'", "third", "SELECT 1", "'app\\'s data'")).stdout).to.equal(
      "1",
    );
    expect(
      await database.sql("SELECT count(*) FROM pg_database WHERE pg_get_userbyid(datdba) = 'my \"app\"'"),
    ).to.equal("1");
    await database.remove();
  });

  it("says why a superuser that does not exist can't be set, and is not ready meanwhile", async () => {
    const database = await Container.start([
      "-v",
      `${volume}:/var/lib/postgresql`,
      ...environment({ POSTGRES_USER: "somebody", POSTGRES_PASSWORD: "x" }),
    ]);
    await database.logged(/ERROR \[roles\] .* role "somebody" does not exist/);
    expect((await database.probe("readiness")).stdout).to.contain(
      "passwords are not yet those of the environment",
    );
    expect((await database.probe("liveness")).code).to.equal(0);
    await database.remove();
  });
});
