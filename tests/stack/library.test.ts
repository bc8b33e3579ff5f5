import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../../local/process";
import { sql, withWorkspace } from "./workspace";

describe("examples/two-databases on a cluster", function () {
  this.timeout("10m");
  const name = `example-${process.pid}`;
  const databases = ["orders", "billing"] as const;
  const namespace = (database: string) => `two-databases-${name}-${database}`;
  const test = withWorkspace("examples/two-databases", databases.map(namespace));

  it("one update brings both up, each with its role, its archive and its passwords", async () => {
    const { BASE_IMAGE, WALG_URL, WALG_SHA256, REGISTRY, S3_BUCKET, S3_ENDPOINT } = process.env;
    const walg = WALG_URL && { url: WALG_URL, sha256: WALG_SHA256 };
    const image = { repository: `${REGISTRY}/postgres-stack`, baseImage: BASE_IMAGE, walg };
    const store = { prefix: `s3://${S3_BUCKET}/${name}`, endpoint: S3_ENDPOINT, forcePathStyle: true };
    const { workspace } = test;
    workspace.env.PULUMI_NODEJS_TRANSPILE_ONLY = "true"; // the layer lint checks the example's types, once
    const config = { "two-databases:image": image, "two-databases:store": store };
    writeFileSync(join(workspace.folder, `Pulumi.${name}.yaml`), JSON.stringify({ config }));
    await workspace.mustPulumi("stack", "init", name);
    await workspace.setSecret(name, "accessKeyId", process.env.S3_ACCESS_KEY_ID ?? "");
    await workspace.setSecret(name, "secretAccessKey", process.env.S3_SECRET_ACCESS_KEY ?? "");
    await workspace.mustPulumi("up", "--yes", "--skip-preview", "--stack", name);
    const passwords = new Set<string>();
    for (const database of databases) {
      const query = (text: string) => sql(namespace(database), `${database}-0`, text);
      const role = database === "billing" ? "billing" : "app";
      expect(await query(`SELECT datname FROM pg_database WHERE datname = '${role}'`)).to.equal(role);
      await query("SELECT pg_switch_wal()");
      expect(await query("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
      const secret = ["get", "secret", `${database}-app`, "-o", "jsonpath={.data.password}"];
      passwords.add(await run("kubectl", ["-n", namespace(database), ...secret]));
    }
    expect(passwords.size).to.equal(2);
  });

  it("its outputs name the image by the digest that the registry has, and the pods run that one", async () => {
    const { workspace } = test;
    const digest = await workspace.output(name, "digest");
    expect(digest).to.match(/^sha256:[0-9a-f]{64}$/);
    const reference = await workspace.output(name, "imageRef");
    expect(reference).to.equal(`${process.env.REGISTRY}/postgres-stack@${digest}`);
    await run("docker", ["pull", "--quiet", reference]); // by digest: the registry is asked
    for (const database of databases) {
      const pod = ["get", "pod", `${database}-0`, "-o", "jsonpath={.spec.containers[0].image}"];
      expect(await run("kubectl", ["-n", namespace(database), ...pod])).to.equal(reference);
    }
  });

  it("then there is nothing left to change", async () => {
    await test.workspace.mustPulumi("preview", "--expect-no-changes", "--stack", name);
  });
});
