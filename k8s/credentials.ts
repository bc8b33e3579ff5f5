import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Instance } from "./instance";
import { clientHost, type Identity, labels, PORT, SUPERUSER, superuserSecret } from "./names";
import { type ServerPart, secretFolder, secretMount } from "./pod";

export interface Credentials extends ServerPart {
  /** Secret of the superuser `postgres`: `username`, `password`. */
  readonly superuser: k8s.core.v1.Secret;
  /** Secret of the application's role: `username`, `password`, `host`, `port`, `database`, `uri`, `jdbc-uri`. */
  readonly application: k8s.core.v1.Secret;
}

export const applicationSecret = ({ name }: Identity): string => `${name}-app`;

/** Generated passwords for the superuser and the application's role, each in its own Secret. */
export function createCredentials(instance: Instance, opts: pulumi.CustomResourceOptions): Credentials {
  const { name, namespace, access } = instance;
  const { role, database } = access;
  const password = (of: string) =>
    // letters and digits only, because the password is part of URIs
    new random.RandomPassword(`${name}-${of}-password`, { length: 32, special: false }, opts).result;
  const secret = (of: string, secretName: string, stringData: Record<string, pulumi.Input<string>>) =>
    new k8s.core.v1.Secret(
      `${name}-${of}`,
      {
        metadata: { name: secretName, namespace, labels: labels(instance, "database") },
        type: "kubernetes.io/basic-auth",
        stringData,
      },
      opts,
    );

  const root = password("superuser");
  const app = password("app");
  const host = clientHost(instance);
  const superuser = secret("superuser", superuserSecret(instance), {
    username: SUPERUSER,
    password: root,
  });
  const application = secret("app", applicationSecret(instance), {
    username: role,
    password: app,
    host,
    port: String(PORT),
    database,
    uri: pulumi.interpolate`postgresql://${role}:${app}@${host}:${PORT}/${database}`,
    "jdbc-uri": pulumi.interpolate`jdbc:postgresql://${host}:${PORT}/${database}?user=${role}&password=${app}`,
  });
  return {
    superuser,
    application,
    mounts: [
      secretMount("superuser", superuserSecret(instance)),
      secretMount("app", applicationSecret(instance)),
    ],
    environment: {
      POSTGRES_USER: SUPERUSER,
      POSTGRES_PASSWORD_FILE: `${secretFolder("superuser")}/password`,
      APP_USER: role,
      APP_PASSWORD_FILE: `${secretFolder("app")}/password`,
      APP_DATABASE: database,
    },
    // the server sets the passwords when it boots
    restartOn: {
      "postgres-stack/passwords": pulumi.unsecret(pulumi.all([root, app]).apply(fingerprint)),
    },
    needs: [superuser, application],
  };
}

/** 16 hex digits of a hash of two random 32-character passwords: shows that one changed, and reveals nothing about it. */
function fingerprint(passwords: string[]): string {
  return createHash("sha256").update(passwords.join("\n")).digest("hex").slice(0, 16);
}
