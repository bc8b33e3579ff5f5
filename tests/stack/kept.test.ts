import { expect } from "chai";
import { skip } from "../lib/skip";
import { withStack } from "./fixture";
import { Neighbour } from "./neighbour";
import { SMALL, TestStack } from "./stack";

describe("a stack that is not disposable", function () {
  this.timeout("10m");
  const stack = withStack("kept", { ...SMALL, disposable: false });
  const claim = () => stack.get("pvc/postgres-data", ".metadata.uid");
  const appPassword = async () =>
    Buffer.from(await stack.get("secret/postgres-app", ".data.password"), "base64").toString();
  const login = (password: string) =>
    stack.exec(
      "env",
      `PGPASSWORD=${password}`,
      "psql",
      "-h",
      "127.0.0.1",
      "-U",
      "app",
      "-d",
      "app",
      "-XAtc",
      "SELECT text FROM note",
    );
  const ownBackups = () =>
    stack.exec("bash", "-c", "set -a; . /run/postgres-stack/walg.env; wal-g backup-list 2>/dev/null");
  let uid: string;
  let oldPassword: string;

  it("refuses to be destroyed, and keeps serving", async () => {
    await stack.up();
    oldPassword = await appPassword();
    await stack.exec(
      "env",
      `PGPASSWORD=${oldPassword}`,
      "psql",
      "-h",
      "127.0.0.1",
      "-U",
      "app",
      "-d",
      "app",
      "-Xqc",
      "CREATE TABLE note AS SELECT 'kept' AS text",
    );
    uid = await claim();
    const { code, stdout } = await stack.pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(code).not.to.equal(0);
    expect(stdout).to.include("protected");
    expect(await login(oldPassword)).to.equal("kept\n");
  });

  it("takes a new password over with one restart when its resource is replaced", async () => {
    const urns = (await stack.pulumi(["stack", "--show-urns"])).stdout;
    const urn = /urn:\S*::postgres-app-password/.exec(urns)?.[0] ?? "";
    const { code, stdout } = await stack.tryUp("--replace", urn);
    expect(code, stdout).to.equal(0);
    const password = await appPassword();
    expect(password).not.to.equal(oldPassword);
    expect(await login(password)).to.equal("kept\n");
    expect(await login(oldPassword).then(() => undefined, String)).to.include(
      "password authentication failed",
    );
    oldPassword = password;
  });

  it("edited to the prefix of another database: the update stops before the server restarts, and both keep their backups", async () => {
    const neighbour = new Neighbour(stack);
    await neighbour.start();
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=180s"]);
    const kept = async () => [await ownBackups(), await neighbour.backups()];
    const [before, pod] = [await kept(), await stack.get("pod/postgres-0", ".metadata.uid")];
    expect(before[0]).to.match(/base_/);
    expect(before[1]).to.match(/base_/);

    stack.environment.S3_BUCKET = ""; // so that the file's prefix counts
    stack.set({ backup: { ...(SMALL.backup as object), prefix: neighbour.prefix } });
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.include(
      `the archive ${neighbour.prefix}/18 is not this database's: it belongs to ${neighbour.owner}`,
    );
    expect(await stack.get("pod/postgres-0", ".metadata.uid")).to.equal(pod);
    expect(await kept()).to.deep.equal(before);

    delete stack.environment.S3_BUCKET;
    stack.set({ backup: SMALL.backup });
    await stack.up();
    expect(await kept()).to.deep.equal(before);
    expect(await stack.get("pod/postgres-0", ".metadata.uid")).to.equal(pod);
    await neighbour.stop();
  });

  it("keeps its claim when it is destroyed all the same", async () => {
    await stack.pulumi(["state", "unprotect", "--all", "--yes"]);
    const { code, stdout } = await stack.pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(code, stdout).to.equal(0);
    expect(await claim()).to.equal(uid);
  });

  it("leaves a claim that no other stack can take", async () => {
    const other = new TestStack("other", { ...SMALL, disposable: false });
    other.environment.NAMESPACE = stack.namespace;
    await other.create();
    const { code, stdout } = await other.tryUp();
    await other.remove();
    expect(code).not.to.equal(0);
    expect(stdout).to.include(`conflicts with "postgres-stack/postgres-stack/${stack.name}/`);
    expect(await claim()).to.equal(uid);
  });

  it("takes the claim back with its data; the new password works and the old one fails", async () => {
    await stack.up();
    expect(await claim()).to.equal(uid);
    const password = await appPassword();
    expect(password).not.to.equal(oldPassword);
    expect(await login(password)).to.equal("kept\n");
    const refused = await login(oldPassword).then(() => undefined, String);
    expect(refused).to.include("password authentication failed");
  });

  after(async function () {
    this.timeout("3m");
    if (uid) await stack.kubectl(["delete", "pvc", "postgres-data", "--wait=false", "--ignore-not-found"]);
  });
});

describe("a stack whose storage class can't grow", function () {
  this.timeout("10m");
  const stack = withStack("fixed", { ...SMALL, storageClass: "fixed" });

  it("says so, and nothing is changed", async function () {
    if (!(await stack.kubectl(["get", "storageclass", "-o", "name"])).includes("/fixed\n"))
      skip(this, "the cluster has no storage class `fixed`, whose volumes can't grow");
    await stack.up();
    stack.set({ dataSize: "2Gi" });
    const conf = await stack.get("configmap/postgres-conf", ".data");
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.include("storageclass that provisions the pvc must support resize");
    expect(stdout).to.include("the volume grows from 2560Mi to 5120Mi (2.5x dataSize). If its storage class");
    expect(await stack.get("configmap/postgres-conf", ".data")).to.equal(conf);
    expect(await stack.get("pvc/postgres-data", ".spec.resources.requests.storage")).to.equal("2560Mi");
    expect(await stack.sql("SELECT 1")).to.equal("1");
  });
});
