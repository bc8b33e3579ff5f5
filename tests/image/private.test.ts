import { expect } from "chai";
import { Container, environment } from "./docker";
import "./hooks";

describe("image: SQL in a private server", () => {
  let server: Container;
  before(async function () {
    this.timeout("2m");
    server = await Container.ready(environment({ POSTGRES_PASSWORD: "secret" }));
  });
  after(() => server.remove());

  /** Runs a script with the image's functions, and a server that was just started in the background. */
  const behind = (script: string) =>
    server.bash(
      `. /usr/local/bin/entrypoint.sh; POSTGRES_USER=postgres; sleep 1000 & other=$!; ${script} || code=$?; kill $other; exit \${code:-0}`,
    );

  it("does not wait for the server that was started in the background", async () => {
    const { stdout } = await behind("private_sql /var/run/postgresql postgres -c 'SELECT 42'");
    expect(stdout).to.equal("42");
  });

  it("says all that went wrong, and its exit code is psql's", async () => {
    const { code, stderr } = await behind(
      "private_sql /var/run/postgresql postgres <<<'SELECT 1/0; SELECT 2'",
    );
    expect(code).to.equal(3);
    expect(stderr).to.contain("division by zero");
  });

  it("leaves out what a connection says of another collation version", async () => {
    await server.sql("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'postgres'");
    const plain = await server.exec("psql", "-U", "postgres", "-c", "SELECT 1");
    expect(plain.stderr).to.match(/collation version mismatch/);
    const asked = await behind("private_sql /var/run/postgresql postgres -c 'SELECT 1/0'");
    await server.sql("ALTER DATABASE postgres REFRESH COLLATION VERSION");
    expect(asked.stderr)
      .to.contain("division by zero")
      .and.not.to.match(/collation/);
  });
});
