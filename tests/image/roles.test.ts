import { expect } from "chai";
import { Container, environment, newFolder, newVolume } from "./docker";
import "./hooks";

const HOSTILE = 'it\'s "quoted" $HOME `id` \\password é % :x';

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
    files = newFolder({ superuser: HOSTILE });
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

  it("creates the application's role and database, whose owner it is", async () => {
    const database = await start({ APP_USER: 'my "app"', APP_PASSWORD: HOSTILE, APP_DATABASE: "app's data" });
    const owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app''s data'";
    expect(await database.sql(owner)).to.equal('my "app"');
    const role = "SELECT rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'my \"app\"'";
    expect(await database.sql(role)).to.equal("t|f|f");
    const created = await database.login("'my \"app\"'", HOSTILE, "CREATE TABLE mine ()", "'app\\'s data'");
    expect(created.stderr).to.equal("");
    expect((await database.login("postgres", "second")).stdout).to.equal("1");
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
