import { expect } from "chai";
import { loadSettings, type Settings } from "../../../settings";
import { configure, failure, yaml } from "./runtime";
import { stackWith, type Tree } from "./stack";

const NO_BACKUP = { "postgres-stack:backup": {} };

describe("loading a stack's settings", () => {
  for (const stack of ["dev", "prod"]) {
    it(`accepts Pulumi.${stack}.yaml as it is`, async () => {
      const { config } = yaml(`Pulumi.${stack}.yaml`);
      await configure(
        { ...config, "postgres-stack:fromEnvironment": "false", ...(stack === "dev" && NO_BACKUP) },
        [],
        stack,
      );
      expect(loadSettings().postgres.version).to.equal(18);
    });
  }

  it("fills in what production wants", async () => {
    await configure({ dataSize: "20Gi", image: { repository: "r.example.com/postgres" } }, [], "live");
    const settings = loadSettings();
    expect(settings).to.deep.include({ disposable: false, sharedMemory: "1024Mi" });
    expect(settings.backup).to.equal(undefined);
    expect(settings.volume).to.deep.equal({ claimSize: "51200Mi", storageClass: undefined });
    expect(settings.access).to.include({ role: "app", database: "app", serviceType: "ClusterIP" });
    expect(settings.placement).to.include({
      namespace: "postgres-stack-live",
      createNamespace: true,
      spot: "avoid",
    });
    expect(settings.image).to.include({ platform: "linux/amd64" }).and.have.property("walg");
  });

  it("takes WAL-G for the image's platform", async () => {
    await configure({
      dataSize: "1Gi",
      image: { repository: "r.example.com/postgres", platform: "linux/arm64" },
    });
    expect(JSON.stringify(loadSettings().image)).to.include("aarch64");
  });

  it("hands object stores to WAL-G by the variables of their kind", async () => {
    const environment = async (backup: Tree) => {
      await configure(stackWith({ backup }));
      const { prefix, variable, environment } = loadSettings().backup as NonNullable<Settings["backup"]>;
      return { prefix, variable, environment };
    };
    const s3 = await environment({ prefix: "s3://b/p/", endpoint: "http://s3:9000", forcePathStyle: true });
    expect(s3).to.include({ prefix: "s3://b/p", variable: "WALG_S3_PREFIX" });
    expect(s3.environment).to.include({
      AWS_ENDPOINT: "http://s3:9000",
      AWS_REGION: "us-east-1",
      AWS_S3_FORCE_PATH_STYLE: "true",
      WALG_COMPRESSION_METHOD: "lz4",
      WALG_TAR_SIZE_THRESHOLD: "268435456",
    });
    const azure = await environment({ prefix: "azure://c/p", storageAccount: "acct" });
    expect(azure).to.include({ prefix: "azure://c/p", variable: "WALG_AZ_PREFIX" });
    expect(azure.environment).to.include({ AZURE_STORAGE_ACCOUNT: "acct" });
    expect(await environment({ prefix: "gs://b" })).to.include({ variable: "WALG_GS_PREFIX" });
  });

  it("gives the server time to write its buffers and archive the last segment before a kill", async () => {
    await configure(stackWith({ postgres: { memory: "16Gi" }, backup: { archiveDeadline: 200 } }));
    expect(loadSettings().gracePeriodSeconds).to.equal(90 + 4096 / 32 + 200);
  });
});

describe("the environment", () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it("feeds a stack that asks for it, and no other", async () => {
    Object.assign(process.env, {
      NAMESPACE: "team",
      S3_BUCKET: "bucket",
      S3_SECRET_ACCESS_KEY: "hunter2-hunter2",
      S3_ACCESS_KEY_ID: "id",
    });
    await configure(stackWith({ fromEnvironment: true }), [], "dev");
    const fed = loadSettings();
    expect(fed.placement.namespace).to.equal("team");
    expect(fed.backup?.prefix).to.equal("s3://bucket/postgres-stack/dev/team");
    expect(JSON.stringify(fed)).not.to.include("hunter2-hunter2");
    await configure(stackWith({ fromEnvironment: false }), [], "prod");
    expect(loadSettings().placement.namespace).to.equal("here");
  });

  it("is checked like the stack's own settings", async () => {
    Object.assign(process.env, { NAMESPACE: "No Name", REGISTRY: "nohost" });
    await configure(stackWith({ fromEnvironment: true }));
    expect(failure().message)
      .to.match(/placement\.namespace/)
      .and.match(/image\.repository/);
  });
});
