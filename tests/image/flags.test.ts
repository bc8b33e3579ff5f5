import { expect } from "chai";
import { Container, environment, newFolder, newVolume } from "./docker";
import "./hooks";
import { backup, change, copyOf, options, request, restored, settled, VOLUME } from "./restore";

/** Settings without which a private server refuses to open the data: they hold a logical slot, and more slots than usual. */
const FLAGS = [
  "postgres",
  "-c",
  "wal_level=logical",
  "-c",
  "max_replication_slots=15",
  "-c",
  "logging_collector=on",
];
const SLOTS =
  "SELECT pg_create_logical_replication_slot('slot' || n, 'pgoutput') FROM generate_series(1, 12) n";

describe("image: flags after `postgres`", () => {
  let volume: string;

  /** Starts a container with the flags, and waits until its server is up. */
  async function start(on: string, variables: Record<string, string> = {}): Promise<Container> {
    const server = await Container.start(options(on, variables), FLAGS);
    await server.isUp();
    return server;
  }

  before(async function () {
    this.timeout("5m");
    volume = await newVolume();
    const server = await start(volume);
    await server.sql("CREATE TABLE rows (n int)");
    await server.sql(SLOTS);
    await backup(server);
    await server.sql("INSERT INTO rows VALUES (1)");
    await server.end();
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  for (const flags of [
    ["-D", `${VOLUME}/18/docker`],
    ["-c", `data_directory=${VOLUME}/18/docker`],
    ["-c", "log_line_prefix=%m\t[%p] "],
  ]) {
    it(`of every kind are no reason not to start the first time: ${JSON.stringify(flags)}`, async () => {
      const server = await Container.ready(options(await newVolume()), ["postgres", ...flags]);
      expect(await server.sql("SHOW data_directory")).to.equal(`${VOLUME}/18/docker`);
      await server.remove();
    });
  }

  it("lead no private server to the data that serve", async () => {
    const copy = await copyOf(volume);
    const there = ["-c", `data_directory=${VOLUME}/18/docker`];
    const server = await Container.start(options(copy, request("latest")), [...FLAGS, ...there]);
    await restored(server);
    expect(await server.sql("SELECT count(*) FROM rows")).to.equal("1");
    await server.remove();
  });

  for (const command of [["postgres"], []]) {
    it(`count for the server of the first initialisation (${[...command, "-c"].join(" ")}), which archives nothing`, async () => {
      const scripts = newFolder({
        "10.sql":
          "CREATE TABLE first AS SELECT name, setting FROM pg_settings WHERE name ~ '^(max_connections|archive_mode|config_file)$'",
      });
      const server = await Container.ready(
        [
          ...environment({
            POSTGRES_PASSWORD: "secret",
            WALG_FILE_PREFIX: "/tmp/archive",
            BACKUP_SCHEDULE: "external",
          }),
          ...["-v", `${scripts}:/docker-entrypoint-initdb.d:ro`],
        ],
        [...command, "-c", "max_connections=77", "--archive_mode=on"],
      );
      expect(await server.sql("SELECT setting FROM first ORDER BY name")).to.equal(
        "off\n/etc/postgresql/postgresql.conf\n77",
      );
      expect(await server.sql("SHOW max_connections")).to.equal("77");
      await server.remove();
    });
  }

  it("win over ALTER SYSTEM, and that over conf.d, and that over the image", async () => {
    const conf = newFolder({ "a.conf": "log_lock_waits = off\nwork_mem = 11MB\ntemp_buffers = 11MB\n" });
    const server = await Container.ready(
      [...environment({ POSTGRES_PASSWORD: "secret" }), "-v", `${conf}:/etc/postgresql/conf.d:ro`],
      ["postgres", "-c", "temp_buffers=13MB"],
    );
    await server.sql("ALTER SYSTEM SET work_mem = '12MB'");
    await server.sql("ALTER SYSTEM SET temp_buffers = '12MB'");
    await server.sql("SELECT pg_reload_conf()");
    await server.logged(/received SIGHUP/);
    const names = ["log_lock_waits", "work_mem", "temp_buffers"];
    const values = await Promise.all(names.map((name) => server.sql(`SHOW ${name}`)));
    expect(values).to.deep.equal(["off", "12MB", "13MB"]);
    await server.remove();
  });

  it("count where the data are looked at privately, as for another C library", async () => {
    const copy = await copyOf(volume);
    await change(copy, `echo glibc=1 >${VOLUME}/.postgres-stack/collations`);
    const server = await start(copy);
    expect(await server.logs()).to.contain("the catalogs have the versions of");
    expect(await server.sql("SELECT count(*) FROM pg_replication_slots")).to.equal("12");
    await server.remove();
  });

  it("count for a restore, and for its undoing", async () => {
    const copy = await copyOf(volume);
    const wanted = request("latest");
    const server = await start(copy, wanted);
    await restored(server);
    expect(await server.sql("SELECT count(*) FROM rows")).to.equal("1");
    await server.end();
    const undone = await start(copy, { ...wanted, RESTORE_UNDO: "true" });
    await settled(undone);
    expect(await undone.sql("SELECT count(*) FROM pg_replication_slots")).to.equal("12");
    await undone.remove();
  });

  it("to write the log into files leave a restore its words", async () => {
    const server = await start(await copyOf(volume), request("name:never"));
    expect(await server.logs()).to.match(
      /ERROR .*all WAL was replayed and the target name:never did not come/,
    );
    await server.remove();
  });
});
