import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { load } from "js-yaml";
import { loadSettings, type Settings } from "../../../settings";
import { stackSchema } from "../../../settings/schema";
import { stackWith } from "./stack";

type Tree = Record<string, unknown>;

const ROOT = join(__dirname, "../../..");
const SECRET = "hunter2-hunter2";

function yaml(file: string): { config: Tree } {
  return load(readFileSync(join(ROOT, file), "utf8")) as { config: Tree };
}

/** Puts values where Pulumi's runtime has them: text, objects as JSON, with or without the project's name. */
async function configure(values: Tree, secretKeys: string[] = [], stack = "test"): Promise<void> {
  const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
  await pulumi.runtime.setMocks(mocks, "postgres-stack", stack);
  const texts = Object.entries(values).map(([key, value]) => [
    key.includes(":") ? key : `postgres-stack:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const secret = secretKeys.map((key) => `postgres-stack:${key}`);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts), secret);
}

/** The error that loading must end with. */
function failure(): pulumi.RunError {
  try {
    loadSettings();
  } catch (error) {
    expect(pulumi.RunError.isInstance(error), "Pulumi prints it without a stack trace").to.equal(true);
    return error as pulumi.RunError;
  }
  throw new Error("the settings were accepted");
}

const plainOf = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((done) => output.apply(done));

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

type Secrets = Record<"AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY", pulumi.Output<string>>;

const NO_BACKUP = { "postgres-stack:backup": {} };

describe("secrets in a stack's settings", () => {
  it("become Pulumi secrets", async () => {
    const backup = { credentials: { accessKeyId: "id", secretAccessKey: SECRET } };
    const image = { credentials: { username: "ci", password: SECRET } };
    await configure(stackWith({ backup, image }), ["backup", "image"]);
    const settings = loadSettings() as Settings & { backup: { credentials: { data: Secrets } } };
    const { data } = settings.backup.credentials;
    const { credentials } = settings.image as { credentials: { password: pulumi.Output<string> } };
    for (const output of [data.AWS_SECRET_ACCESS_KEY, data.AWS_ACCESS_KEY_ID, credentials.password]) {
      expect(await pulumi.isSecret(output)).to.equal(true);
    }
    expect(await plainOf(data.AWS_SECRET_ACCESS_KEY)).to.equal(SECRET);
  });

  const wrong: [string, Tree][] = [
    ["a number", { secretAccessKey: 31337313373 }],
    ["an object", { secretAccessKey: { value: SECRET } }],
    ["a list", { accessKeyId: [SECRET] }],
    ["two lines", { secretAccessKey: `${SECRET}\nx` }],
    ["the name of a Secret", { secretName: SECRET.toUpperCase() }],
    ["the whole of the credentials", SECRET as unknown as Tree],
    ["too many", { secretName: "a", accessKeyId: SECRET, secretAccessKey: SECRET }],
  ];
  for (const [what, credentials] of wrong) {
    it(`are in no message, also when they are ${what}`, async () => {
      await configure(stackWith({ backup: { credentials } }), ["backup"]);
      expect(failure().message)
        .to.match(/backup\.credentials/)
        .and.not.match(/hunter2|31337/i);
    });
  }

  it("are in no message, also when other keys around them hold them", async () => {
    const backup = {
      prefix: SECRET,
      schedule: SECRET,
      region: `${SECRET}!`,
      compression: SECRET,
      retain: SECRET,
    };
    await configure(stackWith({ backup, image: { repository: SECRET, platform: SECRET } }), [
      "backup",
      "image",
    ]);
    expect(failure().message)
      .to.match(/^7 settings are wrong/)
      .and.not.include(SECRET);
  });

  it("are refused where they would end up in plain, without being read", async () => {
    await configure(stackWith({ dataSize: SECRET, postgres: { settings: { work_mem: SECRET } } }), [
      "dataSize",
      "postgres",
    ]);
    const { message } = failure();
    expect(message)
      .to.match(/^2 settings are wrong/)
      .and.not.include(SECRET);
    expect(message)
      .to.match(/dataSize: is encrypted/)
      .and.match(/postgres: is encrypted/);
  });

  it("that are no JSON at all are in no message", async () => {
    await configure({ ...stackWith({}), backup: `{"prefix": ${SECRET}` }, ["backup"]);
    expect(failure().message)
      .to.match(/backup: must be an object/)
      .and.not.include(SECRET);
  });
});

describe("15 bad settings at once", () => {
  const bad = {
    dataSize: "10GB",
    colour: "red",
    disposable: "perhaps",
    postgres: {
      memory: "128Mi",
      settings: {
        work_mem: "64XB",
        shared_bufers: "1GB",
        archive_command: "cp",
        wal_level: "minimal",
        jit: "maybe",
      },
    },
    image: { repository: "r.example.com/postgres", ref: "r.example.com/postgres:18" },
    backup: {
      prefix: "s3://a,gs://b",
      retain: 0,
      credentials: { accessKeyId: "AKIAHUNTER2", secretName: "also" },
    },
    access: { role: 'quo"te', serviceType: "Ingress" },
    placement: { spot: "sometimes" },
  };
  const paths = [
    "dataSize",
    "colour",
    "disposable",
    "postgres.memory",
    "postgres.settings.work_mem",
    "postgres.settings.shared_bufers",
    "postgres.settings.archive_command",
    "postgres.settings.wal_level",
    "postgres.settings.jit",
    "image",
    "backup.prefix",
    "backup.schedule",
    "backup.retain",
    "backup.credentials",
    "access.role",
    "access.serviceType",
    "placement.spot",
  ];

  it("are one error that lists all of them, with what is allowed, and says that nothing was touched", async () => {
    await configure(bad, ["backup"]);
    const [title, ...lines] = failure().message.split("\n");
    expect(title).to.equal("17 settings are wrong in stack test; nothing was touched:");
    expect(lines.map((line) => line.trim().split(":")[0])).to.have.members(paths);
    expect(lines.join("\n")).not.to.match(/hunter2/i);
  });
});

describe("Pulumi.yaml", () => {
  const declared = yaml("Pulumi.yaml").config as Record<
    string,
    { type?: string; default?: unknown; description?: string }
  >;
  const own = Object.entries(declared).filter(([key]) => !key.includes(":"));

  it("declares every key that a stack may use, and no other", () => {
    expect(own.map(([key]) => key)).to.have.members(Object.keys(stackSchema.shape));
  });

  it("describes every key and its type", () => {
    for (const [key, { type, description }] of own) {
      expect(type, key).to.be.oneOf(["string", "boolean", "object"]);
      expect(description, key).to.have.length.above(20);
    }
  });

  it("has a default for every key but those that a stack must say, or Pulumi would demand them", () => {
    const needed = own.filter(([, it]) => it.default === undefined).map(([key]) => key);
    expect(needed).to.have.members(["dataSize", "image"]);
  });

  it("has defaults that mean the same as a key left out", async () => {
    const needed = { dataSize: "1Gi", image: { repository: "r.example.com/postgres" } };
    const defaults = own.filter(([, it]) => it.default !== undefined).map(([key, it]) => [key, it.default]);
    await configure(needed);
    const without = JSON.stringify(loadSettings());
    await configure({ ...Object.fromEntries(defaults), ...needed });
    expect(JSON.stringify(loadSettings())).to.equal(without);
  });
});
