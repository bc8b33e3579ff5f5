import { execFile } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { Client } from "pg";

const ROOT = resolve(__dirname, "../..");
const SOURCES = [
  "Pulumi.yaml",
  "Pulumi.dev.yaml",
  "docker-context",
  "image",
  "index.ts",
  "k8s",
  "local",
  "register.js",
  "render",
  "settings",
];
const LOCAL = { BASE_IMAGE: "", WALG_URL: "", WALG_SHA256: "", REGISTRY: "", S3_BUCKET: "", NAMESPACE: "" };

describe("the embedded server", function () {
  this.timeout(60_000);
  // a folder that only its owner enters, as a clone under umask 077, with a space and a quote in its name
  const folder = mkdtempSync(join(tmpdir(), "postgres stack's "));
  const home = join(folder, ".local/embedded/dev");

  const run = async (script: "up" | "down") => {
    const args = ["--require", "./register.js", `local/embedded/${script}.ts`, "dev", "no cluster"];
    const env = { ...process.env, ...LOCAL };
    return (await promisify(execFile)(process.execPath, args, { cwd: folder, env })).stdout;
  };
  const set = (settings: Record<string, string>) => {
    const file = readFileSync(join(ROOT, "Pulumi.dev.yaml"), "utf8");
    const text = file.replace(
      "    cpu: 500m\n",
      `    cpu: 500m\n    settings: ${JSON.stringify(settings)}\n`,
    );
    expect(text).not.to.equal(file);
    writeFileSync(join(folder, "Pulumi.dev.yaml"), text);
  };
  /** As the application's role, with the password from the file that the psql line names. */
  const show = async (query: string) => {
    const [host, port, database, user, password] = readFileSync(join(home, "pgpass"), "utf8")
      .trim()
      .split(":");
    const client = new Client({ host, port: Number(port), database, user, password });
    await client.connect();
    const { rows } = await client.query({ text: query, rowMode: "array" });
    await client.end();
    return rows.flat().join("|");
  };
  const pid = () => readFileSync(join(home, "data/postmaster.pid"), "utf8").split("\n")[0] ?? "";

  before(() => {
    for (const name of [...SOURCES, "package.json", "tsconfig.json"]) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  });
  after(async () => {
    await run("down");
    for (const path of [realpathSync(home), folder]) rmSync(path, { recursive: true, force: true });
  });

  it("says in its first line that it is embedded and why, and ends with a server that answers", async () => {
    const output = await run("up");
    expect(output.split("\n")[0]).to.match(/^Target: embedded \(no cluster\)/);
    expect(await show("SELECT current_user, current_database()")).to.equal("app|app");
  });

  it("runs with the stack's settings", async () => {
    const conf = readFileSync(join(home, "etc/conf.d/postgres-stack.conf"), "utf8");
    expect(await show("SHOW shared_buffers")).to.equal(/^shared_buffers = '(.*)'/m.exec(conf)?.[1]);
  });

  it("prints no password, and keeps them where only their owner reads them", async () => {
    const { superuser, application } = JSON.parse(readFileSync(join(home, "passwords.json"), "utf8"));
    expect(await run("up"))
      .not.to.include(superuser)
      .and.not.to.include(application);
    for (const name of ["passwords.json", "pgpass"]) {
      expect(statSync(join(home, name)).mode & 0o777, name).to.equal(0o600);
    }
  });

  it("does not run as root", () => {
    expect(statSync(join(home, "data/postmaster.pid")).uid).not.to.equal(0);
  });

  it("reloads a changed setting that can be reloaded", async () => {
    const before = pid();
    set({ work_mem: "7MB" });
    await run("up");
    expect(await show("SHOW work_mem")).to.equal("7MB");
    expect(pid()).to.equal(before);
  });

  it("restarts for one that needs it", async () => {
    set({ max_connections: "33" });
    await run("up");
    expect(await show("SHOW max_connections")).to.equal("33");
  });

  it("keeps the old settings when PostgreSQL rejects the new ones, and prints its message", async () => {
    set({ max_connections: "33", DateStyle: "Blah" });
    const { stderr } = (await run("up").catch((error) => error)) as { stderr: string };
    expect(stderr).to.include('invalid value for parameter "DateStyle"');
    set({ max_connections: "33" });
    expect(await show("SELECT 1")).to.equal("1");
  });

  it("has one major: a stack of another is refused, and the server keeps running", async () => {
    const file = join(folder, "Pulumi.dev.yaml");
    const before = readFileSync(file, "utf8");
    const base = "repository: localhost:5000/postgres-stack\n    baseImage: postgres:19-bookworm\n";
    const other = before.replace("    cpu: 500m\n", "    cpu: 500m\n    version: 19\n");
    writeFileSync(file, other.replace("repository: localhost:5000/postgres-stack\n", base));
    const { stderr } = (await run("up").catch((error) => error)) as { stderr: string };
    expect(stderr).to.match(/requests PostgreSQL 19, and the npm build is 18; nothing was started/);
    writeFileSync(file, before);
    expect(await show("SELECT 1")).to.equal("1");
  });

  it("comes back after kill -9, also when another program has its process id", async () => {
    await show("CREATE TABLE kept AS SELECT 42 AS answer");
    process.kill(Number(pid()), "SIGKILL");
    const file = join(home, "data/postmaster.pid");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(process.pid)));
    await run("up");
    expect(await show("SELECT answer FROM kept")).to.equal("42");
  });

  it("`make down` stops it and keeps the data, and the port for the next time", async () => {
    const port = readFileSync(join(home, "port"), "utf8");
    expect(await run("down")).to.match(/^Stopped/);
    expect(await run("down")).to.match(/^No embedded server/);
    await run("up");
    expect(readFileSync(join(home, "port"), "utf8")).to.equal(port);
    expect(await show("SELECT answer FROM kept")).to.equal("42");
  });
});
