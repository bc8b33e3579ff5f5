import * as pulumi from "@pulumi/pulumi";
import { type DatabaseInput, PostgresImage, PostgresInstance, settingsFrom } from "postgres-stack";

const config = new pulumi.Config();

// A database may say what a stack's file may say: docs/settings.md of postgres-stack lists every key.
const image = config.requireObject<DatabaseInput["image"]>("image");
const store = config.requireObject<{ prefix: string; region?: string }>("store");
const credentials = {
  accessKeyId: config.requireSecret("accessKeyId"),
  secretAccessKey: config.requireSecret("secretAccessKey"),
};

/** Each has a namespace, `two-databases-<stack>-<name>`, and a prefix of its own; the rest is the default. */
const database = (name: string, own: Pick<DatabaseInput, "dataSize" | "postgres" | "access">) =>
  settingsFrom(name, {
    image,
    backup: { ...store, prefix: `${store.prefix}/${name}`, schedule: "15 2 * * *", credentials },
    ...own,
  });

// All settings are checked here, before anything is registered.
const databases = {
  orders: database("orders", { dataSize: "2Gi", postgres: { memory: "1Gi", cpu: "500m" } }),
  billing: database("billing", {
    dataSize: "1Gi",
    postgres: { memory: "512Mi", cpu: "250m", settings: { log_min_duration_statement: "500ms" } },
    access: { role: "billing" },
  }),
};

// One image for both.
const { image: build, postgres } = databases.orders;
const built = new PostgresImage("postgres", { ...build, major: postgres.version });
const runs = { image: built.reference, imageTag: built.tag };

const orders = new PostgresInstance("orders", { ...databases.orders, ...runs });
const billing = new PostgresInstance("billing", { ...databases.billing, ...runs });

export const hosts = { orders: orders.host, billing: billing.host };
export const secrets = { orders: orders.secretName, billing: billing.secretName };
export const { reference: imageRef, digest } = built;
