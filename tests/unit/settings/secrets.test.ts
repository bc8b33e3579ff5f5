import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { loadSettings, type Settings } from "../../../settings";
import { configure, failure } from "./runtime";
import { stackWith, type Tree } from "./stack";

const SECRET = "hunter2-hunter2";

const KEY = `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${SECRET}\n-----END PGP PRIVATE KEY BLOCK-----`;

type Secrets = Record<
  "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "WALG_PGP_KEY" | "WALG_PGP_KEY_PASSPHRASE",
  pulumi.Output<string>
>;

const plainOf = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((done) => output.apply(done));

describe("secrets in a stack's settings", () => {
  it("become Pulumi secrets", async () => {
    const encryption = { pgpKey: `${KEY}\n`, pgpPassphrase: SECRET };
    const backup = { credentials: { accessKeyId: "id", secretAccessKey: SECRET }, encryption };
    const image = { credentials: { username: "ci", password: SECRET } };
    await configure(stackWith({ backup, image }), ["backup", "image"]);
    const settings = loadSettings() as Settings & {
      backup: Record<"credentials" | "encryption", { data: Secrets }>;
    };
    const data = { ...settings.backup.credentials.data, ...settings.backup.encryption.data };
    const { credentials } = settings.image as { credentials: { password: pulumi.Output<string> } };
    for (const output of [...Object.values(data), credentials.password]) {
      expect(await pulumi.isSecret(output)).to.equal(true);
    }
    expect(await plainOf(data.AWS_SECRET_ACCESS_KEY)).to.equal(SECRET);
    expect(await plainOf(data.WALG_PGP_KEY)).to.equal(`${KEY}\n`);
    expect(await plainOf(data.WALG_PGP_KEY_PASSPHRASE)).to.equal(SECRET);
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

  const wrongKeys: [string, Tree][] = [
    ["no key", { pgpKey: SECRET }],
    ["a public key", { pgpKey: KEY.replaceAll("PRIVATE", "PUBLIC") }],
    ["too short", { libsodiumKey: SECRET }],
    ["a passphrase of two lines", { pgpKey: KEY, pgpPassphrase: `${SECRET}\nx` }],
    ["the name of a Secret", { secretName: KEY }],
    ["the whole of the encryption", KEY as unknown as Tree],
    ["too many", { pgpKey: KEY, libsodiumKey: "0".repeat(64) }],
  ];
  for (const [what, encryption] of wrongKeys) {
    it(`are in no message, also as a key of encryption that is ${what}`, async () => {
      await configure(stackWith({ backup: { encryption } }), ["backup"]);
      expect(failure().message)
        .to.match(/backup\.encryption/)
        .and.not.match(/hunter2/i);
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
