import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { clientHost, type Identity, labels, PORT } from "./names";

export interface RoleArgs {
  /** The application's role: it can log in and owns its database. */
  readonly role: string;
  readonly database: string;
}

export interface Credentials {
  /** Secret of the superuser `postgres`: `username`, `password`. */
  readonly superuser: k8s.core.v1.Secret;
  /** Secret of the application's role: `username`, `password`, `host`, `port`, `database`, `uri`, `jdbc-uri`. */
  readonly application: k8s.core.v1.Secret;
  /** Changes with either password: the server takes passwords over when it boots. */
  readonly fingerprint: pulumi.Output<string>;
}

export const SUPERUSER = "postgres";
export const superuserSecret = ({ name }: Identity): string => `${name}-superuser`;
export const applicationSecret = ({ name }: Identity): string => `${name}-app`;

/** Generated passwords for the superuser and the application's role, each in a Secret of its own. */
export function createCredentials(
  identity: Identity,
  { role, database }: RoleArgs,
  opts: pulumi.CustomResourceOptions,
): Credentials {
  const password = (of: string) =>
    // letters and digits only: the password is part of URIs
    new random.RandomPassword(`${identity.name}-${of}-password`, { length: 32, special: false }, opts).result;
  const secret = (of: string, name: string, stringData: Record<string, pulumi.Input<string>>) =>
    new k8s.core.v1.Secret(
      `${identity.name}-${of}`,
      {
        metadata: { name, namespace: identity.namespace, labels: labels(identity, "database") },
        type: "kubernetes.io/basic-auth",
        stringData,
      },
      opts,
    );

  const root = password("superuser");
  const app = password("app");
  const host = clientHost(identity);
  return {
    superuser: secret("superuser", superuserSecret(identity), { username: SUPERUSER, password: root }),
    application: secret("app", applicationSecret(identity), {
      username: role,
      password: app,
      host,
      port: String(PORT),
      database,
      uri: pulumi.interpolate`postgresql://${role}:${app}@${host}:${PORT}/${database}`,
      "jdbc-uri": pulumi.interpolate`jdbc:postgresql://${host}:${PORT}/${database}?user=${role}&password=${app}`,
    }),
    fingerprint: pulumi.unsecret(pulumi.all([root, app]).apply(fingerprint)),
  };
}

/** 16 hex digits of two random 32-character passwords: says that one changed, and nothing about it. */
function fingerprint(passwords: string[]): string {
  return createHash("sha256").update(passwords.join("\n")).digest("hex").slice(0, 16);
}
