import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import type { z } from "zod";
import { type DatabaseInput, type Settings, settingsFrom } from "../../../library";
import type { stackSchema } from "../../../settings/schema";
import { configure } from "../settings/runtime";

const RIGHT: DatabaseInput = { dataSize: "1Gi", image: { repository: "r.example.com/postgres" } };

type Checked = z.input<typeof stackSchema>;
type Placement = Partial<Checked["placement"]>;
/** What the schema takes, where the namespace follows from the names. */
type Taken = Omit<Checked, "placement"> & { placement?: Placement };

/** The paths of all keys, those of maps left out. */
type Paths<T> = T extends string | number | boolean | null | undefined | pulumi.Output<unknown>
  ? never
  : T extends readonly (infer Item)[]
    ? Paths<Item>
    : string extends keyof T
      ? never
      : { [K in keyof T & string]: K | `${K}.${Paths<T[K]>}` }[keyof T & string];
/** Positions in the WAL are the target's own affair: the schema takes anything there and reads it itself. */
type Position = `${"restore" | "cloneFrom"}.to.${string}`;

// held by tsc, in the layer lint: what an editor offers is what the schema takes, no more and no less
const taken: (values: DatabaseInput) => Taken = (values) => values;
const missing: Exclude<Paths<Taken>, Paths<DatabaseInput>>[] = [];
const unknown: Exclude<Paths<DatabaseInput>, Paths<Taken> | Position>[] = [];
const never: never[] = [...missing, ...unknown];

describe("settings from a program's own object", () => {
  before(() => configure({}, [], "dev"));

  it("have a type that offers what the schema takes, no more and no less", () => {
    expect([taken(RIGHT), ...never]).to.deep.equal([RIGHT]);
  });

  it("are checked and worked out like a stack's", () => {
    const settings = settingsFrom("orders", RIGHT);
    expect(settings.volume.claimSize).to.equal("2560Mi");
    expect(settings.placement).to.include({ namespace: "postgres-stack-dev-orders", spot: "avoid" });
    expect(settingsFrom("orders", { ...RIGHT, placement: { namespace: "mine" } }).placement).to.include({
      namespace: "mine",
    });
  });

  it("list everything that is wrong, and never a secret", () => {
    const credentials = { accessKeyId: "hunter2\nx", secretName: "b" };
    const bad = { ...RIGHT, dataSize: "10GB", backup: { prefix: "x", schedule: "daily", credentials } };
    expect(() => settingsFrom("orders", bad))
      .to.throw(pulumi.RunError, /^4 settings are wrong in database orders/)
      .and.have.property("message")
      .that.does.not.include("hunter2");
  });

  it("take secrets as outputs, which stay secret", async () => {
    const secret = pulumi.secret("very-secret");
    const credentials = { accessKeyId: "id", secretAccessKey: secret };
    const backup = { prefix: "s3://bucket/orders", schedule: "0 1 * * *", credentials };
    const image = { ...RIGHT.image, credentials: { username: "ci", password: secret } };
    const settings = settingsFrom("orders", { ...RIGHT, image, backup }) as Settings & {
      backup: { credentials: { data: Record<string, pulumi.Output<string>> } };
      image: { credentials: { password: pulumi.Output<string> } };
    };
    const outputs = [
      settings.backup.credentials.data.AWS_SECRET_ACCESS_KEY,
      settings.image.credentials.password,
    ];
    for (const output of outputs) {
      expect(await pulumi.isSecret(output as pulumi.Output<string>)).to.equal(true);
      expect(await new Promise((done) => output?.apply(done))).to.equal("very-secret");
    }
  });

  it("of two databases lead to two places, also where the environment names the bucket", () => {
    const before = { ...process.env };
    Object.assign(process.env, { S3_BUCKET: "bucket", NAMESPACE: "common", S3_ACCESS_KEY_ID: "id" });
    try {
      const secretAccessKey = pulumi.secret("very-secret");
      const backup = { prefix: "s3://x/y", schedule: "0 1 * * *", credentials: { secretAccessKey } };
      const prefixes = ["orders", "billing"].map(
        (name) => settingsFrom(name, { ...RIGHT, fromEnvironment: true, backup }).backup?.prefix,
      );
      expect(prefixes).to.deep.equal([
        "s3://bucket/postgres-stack/dev/orders/common",
        "s3://bucket/postgres-stack/dev/billing/common",
      ]);
    } finally {
      process.env = before;
    }
  });
});
