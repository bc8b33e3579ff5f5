import { expect } from "chai";
import fc from "fast-check";
import { readStack } from "../../../settings/problems";
import { mayNotSay, maySay } from "./cases";
import { stackWith, type Tree } from "./stack";

function put(tree: Tree, [key = "", ...rest]: string[], value: unknown): void {
  const below = tree[key];
  if (rest.length === 0) tree[key] = value;
  else if (typeof below === "object" && below !== null) put(below as Tree, rest, value);
  else tree[key] = Object.fromEntries([[rest.join("."), value]]);
}

describe("a stack's keys", () => {
  mayNotSay([
    ["an unknown key", { colour: "red" }, /^colour: is not a setting/],
    ["a mistyped key", { datasize: "1Gi" }, /^datasize: is not a setting \(did you mean dataSize\?\)/],
    [
      "a mistyped key inside",
      { backup: { retian: 3 } },
      /^backup\.retian: is not a setting \(did you mean retain\?\)/,
    ],
    ["no size of the data", { dataSize: undefined }, /^dataSize: is missing \(256Mi to 1Pi/],
    ["a size that is not a valid quantity", { dataSize: "10GB" }, /^dataSize: is not a valid quantity/],
    ["a size too small for a database", { dataSize: "10Mi" }, /^dataSize: is below the minimum \(256Mi/],
    [
      "a storage class with spaces",
      { storageClass: "fast disk" },
      /^storageClass: is not a valid name of a Kubernetes object/,
    ],
    ["disposable neither true nor false", { disposable: "maybe" }, /^disposable: must be true or false/],
    ["a section that is text", { placement: "here" }, /^placement: must be an object of settings/],
    ["a role with a quote", { access: { role: 'a"b' } }, /^access\.role: is not a valid name for a role/],
    ["a role in capitals", { access: { role: "App" } }, /^access\.role: is not a valid name for a role/],
    [
      "a role of 64 letters",
      { access: { role: "a".repeat(64) } },
      /^access\.role: is not a valid name for a role/,
    ],
    [
      "the superuser as role",
      { access: { role: "postgres" } },
      /^access\.role: is not a valid name for a role/,
    ],
    [
      "a role that PostgreSQL reserves",
      { access: { role: "pg_monitor" } },
      /^access\.role: is not a valid name for a role/,
    ],
    [
      "a database of the server's",
      { access: { database: "template1" } },
      /^access\.database: is not a valid name/,
    ],
    [
      "another kind of Service",
      { access: { serviceType: "Ingress" } },
      /^access\.serviceType: must be one of: ClusterIP/,
    ],
    [
      "a namespace in capitals",
      { placement: { namespace: "Prod" } },
      /^placement\.namespace: is not a valid name for a namespace/,
    ],
    [
      "an unknown word for spot",
      { placement: { spot: "sometimes" } },
      /^placement\.spot: must be one of: any, avoid, require/,
    ],
    [
      "a node selector that is no map",
      { placement: { nodeSelector: "amd64" } },
      /^placement\.nodeSelector: must be an object/,
    ],
  ]);

  maySay([["quantities as numbers", { dataSize: 21474836480, postgres: { memory: 4294967296, cpu: 1.5 } }]]);

  it("may say whatever it likes: the answer is a list of problems, never a crash", () => {
    const leaf = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("1Gi", "0", "s3://a/b", "* * * * *", true, null, []),
    );
    const paths = [
      "dataSize",
      "postgres.memory",
      "postgres.cpu",
      "postgres.settings",
      "postgres",
      "image",
      "image.ref",
    ];
    const more = [
      "backup",
      "backup.prefix",
      "backup.credentials",
      "access",
      "access.role",
      "placement",
      "disposable",
    ];
    const settings = ["shared_buffers", "max_wal_size", "max_connections", "wal_level", "work_mem", "fsync"];
    const path = fc.constantFrom(...paths, ...more, ...settings.map((name) => `postgres.settings.${name}`));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, leaf), { maxLength: 6 }), (changes) => {
        const stack = stackWith({});
        for (const [at, value] of changes) put(stack, at.split("."), value);
        expect(readStack(stack)).to.have.any.keys("config", "problems");
      }),
      { numRuns: 1000 },
    );
  });
});
