import { expect } from "chai";
import { noPlainSecrets } from "../../../review/policies/no-plain-secrets";
import { secretsStaySecret } from "../../../review/policies/secrets-stay-secret";
import { env, examples, judge, resource, workload } from "./judge";

const VALUE = "hunter2-hunter2";
const secret = (props: object) => resource("kubernetes:core/v1:Secret", { ...props });
const map = (data: object, metadata = {}) => resource("kubernetes:core/v1:ConfigMap", { data, metadata });
const runs = (container: object) => [workload("StatefulSet", { container: { ...container } })];
const built = (args: object) => [resource("docker:index/image:Image", { build: { args } })];

describe("policies about secrets", () => {
  examples(
    noPlainSecrets,
    {
      "where a secret is, and a reference to one": runs({
        env: [
          ...env({ POSTGRES_PASSWORD_FILE: "/run/secrets/password", PGUSER: "postgres", EMPTY_PASSWORD: "" }),
          { name: "PGPASSWORD", valueFrom: { secretKeyRef: { name: "app", key: "password" } } },
        ],
      }),
      "a Secret": [secret({ stringData: { password: VALUE } })],
      "settings that speak of passwords": [map({ "postgres.conf": "password_encryption = 'scram-sha-256'" })],
      "an address without a password": runs({ args: ["postgresql://app@host/db", "http://host:80/a@b"] }),
    },
    {
      "a variable": [
        runs({ env: env({ APP_PASSWORD: VALUE }) }),
        /container main has the secret APP_PASSWORD/,
      ],
      "an access key": [runs({ env: env({ AWS_SECRET_ACCESS_KEY: VALUE }) }), /AWS_SECRET_ACCESS_KEY/],
      "a ConfigMap's key": [[map({ token: VALUE })], /data has the secret token/],
      "a build's argument": [built({ NPM_TOKEN: VALUE }), /build\.args has the secret NPM_TOKEN/],
      "a private key in a file": [
        [map({ "tls.pem": "-----BEGIN EC PRIVATE KEY-----\nabc" })],
        /data\.tls\.pem holds a private key/,
      ],
      "an address with a password": [
        runs({ args: [`postgresql://app:${VALUE}@host/db`] }),
        /containers\.0\.args\.0 holds an address with a password/,
      ],
      "one in an annotation": [[map({}, { annotations: { a: `redis://x:${VALUE}@y` } })], /annotations\.a/],
    },
  );

  examples(
    secretsStaySecret,
    {
      "a Secret alone": [secret({ stringData: { password: VALUE } }), map({ a: "else" })],
      "what in a Secret is no secret": [
        secret({ stringData: { host: "postgres.a.svc" } }),
        map({ a: "postgres.a.svc" }),
      ],
      "a short value, found by chance": [
        secret({ stringData: { password: "app" } }),
        map({ a: "application" }),
      ],
    },
    {
      "its value under another name": [
        [secret({ stringData: { password: VALUE } }), ...runs({ args: ["--with", `x=${VALUE}`] })],
        /args\.1 holds the value of password of the Secret x/,
      ],
      "a value that the Secret holds encoded": [
        [secret({ data: { token: Buffer.from(VALUE).toString("base64") } }), map({ a: VALUE })],
        /data\.a holds the value of token/,
      ],
    },
  );

  it("no message shows a secret", () => {
    const resources = [
      secret({ stringData: { password: VALUE } }),
      map({ token: VALUE, address: `a://b:${VALUE}@c` }),
      ...built({ TOKEN: VALUE }),
    ];
    const said = [...judge(noPlainSecrets, resources), ...judge(secretsStaySecret, resources)];
    expect(said).to.have.length(5);
    expect(said.join()).not.to.include(VALUE);
  });
});
