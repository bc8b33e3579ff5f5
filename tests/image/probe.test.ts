import { expect } from "chai";
import { until } from "../../local/process";
import { Container, docker, environment, must, newVolume } from "./docker";
import "./hooks";

const PASSWORD = environment({ POSTGRES_PASSWORD: "secret" });

describe("image: probes of a server in recovery", () => {
  let volume: string;

  // A restore_command that never ends stalls the startup process, as a dead disk does.
  const recovering = (options: string[]) =>
    Container.start(
      ["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD, ...options],
      ["postgres", "-c", "restore_command=sleep 600"],
    );

  before(async function () {
    this.timeout("2m");
    volume = await newVolume();
    const database = await Container.ready(["-v", `${volume}:/var/lib/postgresql`, ...PASSWORD]);
    await database.stop();
    await database.start();
    await database.exec("touch", "/var/lib/postgresql/18/docker/recovery.signal");
    await database.kill("KILL");
    await database.ends();
    await database.remove();
  });

  it("say that it is alive and started, and not ready", async () => {
    const database = await recovering([]);
    await until("recovery", async () => (await database.probe("startup")).code === 0);
    const alive = await database.probe("liveness");
    expect(alive.code).to.equal(0);
    expect(alive.stdout).to.match(/^recovering: /);
    expect((await database.probe("readiness")).code).to.equal(1);
    await database.remove();
  });

  it("let it be killed only when neither CPU nor input and output have moved for the limit", async () => {
    const database = await recovering(environment({ PROBE_STALL_SECONDS: "3" }));
    await until("recovery", async () => (await database.probe("startup")).code === 0);
    expect((await database.probe("liveness")).code).to.equal(0);
    const clients = "while :; do psql -h 127.0.0.1 -U postgres; done";
    await docker(["exec", "-d", "-e", "PGPASSWORD=secret", database.id, "bash", "-c", clients]);
    const verdict = await until("the standstill is seen", async () => {
      const probe = await database.probe("liveness");
      return probe.code === 1 && probe.stdout;
    });
    expect(verdict).to.match(/^recovering: neither CPU nor input and output moved for \d+ s \(limit 3 s\)/);
    await database.remove();
  });
});

describe("image: probes", () => {
  it("of a temporary server on the socket do not say ready", async () => {
    const database = await Container.start(PASSWORD);
    const seen = new Set<string>();
    await until("the server is ready", async () => {
      const probe = await database.probe("readiness");
      seen.add(probe.stdout.split(":")[0] ?? "");
      const final = (await database.logs()).includes('listening on IPv4 address "0.0.0.0"');
      expect(probe.code === 0 && !final, "ready before the final server").to.equal(false);
      return probe.code === 0;
    });
    expect([...seen]).to.include.members(["starting", "ready"]);
    expect((await database.probe("startup")).code).to.equal(0);
    await database.remove();
  });

  it("let a server that stands still be killed, although its clients are busy", async () => {
    const database = await Container.ready([...PASSWORD, ...environment({ PROBE_STALL_SECONDS: "3" })]);
    const busy = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    await docker(["exec", "-d", database.id, "psql", "-U", "postgres", "-c", busy]);
    const working = `SELECT count(*) FROM pg_stat_activity WHERE query = '${busy}' AND state = 'active'`;
    await until("the client is busy", async () => (await database.sql(working)) === "1");
    expect((await database.probe("liveness")).stdout).to.match(/^ready: /);
    await database.bash("kill -STOP $(</run/postgres-stack/server.pid)");
    const verdict = await until("the standstill is seen", async () => {
      const probe = await database.probe("liveness");
      return probe.code === 1 && probe.stdout;
    });
    expect(verdict).to.match(/neither CPU nor input and output moved for \d+ s \(limit 3 s\)/);
    await database.bash("kill -CONT $(</run/postgres-stack/server.pid)");
    await until("it answers", async () => (await database.probe("liveness")).stdout.startsWith("ready: "));
    await database.remove();
  });

  it("of a stranger in its archive say so, and that it serves", async () => {
    const database = await Container.ready(PASSWORD);
    const identity = "stranger: the archive belongs to system 7";
    await database.bash(`printf '%s\n' '${identity}' s3://bucket/18 >/run/postgres-stack/archive-identity`);
    const probe = await database.probe("readiness");
    expect(probe.code).to.equal(0);
    expect(probe.stdout).to.equal(`ready: accepts connections; archive: ${identity}`);
    await database.bash("echo owner >/run/postgres-stack/archive-identity");
    expect((await database.probe("readiness")).stdout).to.equal("ready: accepts connections");
    await database.remove();
  });

  it("of a full volume say so, and keep the server alive", async () => {
    const size = "type=tmpfs,destination=/var/lib/postgresql,tmpfs-size=140m";
    const database = await Container.ready(["--mount", size, ...PASSWORD]);
    await docker(["exec", database.id, "dd", "if=/dev/zero", "of=/var/lib/postgresql/ballast", "bs=1M"]);
    for (const kind of ["startup", "liveness"] as const) {
      const probe = await database.probe(kind);
      expect(probe.code).to.equal(0);
      expect(probe.stdout).to.match(/^full: accepts connections, but the volume has \d+ KiB left: grow it/);
    }
    await must(["exec", database.id, "rm", "/var/lib/postgresql/ballast"]);
    expect((await database.probe("readiness")).stdout).to.equal("ready: accepts connections");
    await database.remove();
  });
});
