import { createHash } from "node:crypto";
import { expect } from "chai";
import { compare } from "../../../review/compare";
import { readPreview } from "../../../review/preview";
import { markdown } from "../../../review/table";
import { judge } from "../../../review/verdict";
import { stackSchema } from "../../../settings/schema";
import { hexKey, pgpKey, secretText } from "../../../settings/secret-fields";
import { render } from "../render";
import { previewOf } from "../review/cli";
import { merge, type Tree } from "../settings/stack";

interface Schema {
  readonly def: { readonly innerType?: Schema; readonly shape?: Readonly<Record<string, Schema>> };
}

const KINDS: readonly unknown[] = [secretText, pgpKey, hexKey];

/** Where a stack may say something secret, as the schema has it: a new key is found by itself. */
function secretPaths(schema: Schema, path: readonly string[] = []): string[] {
  if (KINDS.includes(schema)) return [path.join(".")];
  const { innerType, shape = {} } = schema.def;
  if (innerType) return secretPaths(innerType, path);
  return Object.entries(shape).flatMap(([key, part]) => secretPaths(part, [...path, key]));
}

const PATHS = secretPaths(stackSchema as unknown as Schema);

/** The provider's own keys that may hold credentials, or say where they are. */
const PROVIDER = ["kubernetes:kubeconfig", "kubernetes:context", "kubernetes:cluster"];

/** A ciphertext, as `pulumi config set --secret` leaves it; the rendering has a stand-in for what it means. */
const secure = (path: string) => ({ secure: `v1:${path}` });

/** What must be nowhere: the stand-in (render/mocks.ts) as it is, and in the forms that Kubernetes and URIs give it. */
function forms(path: string): string[] {
  const hash = createHash("sha256").update(`v1:${path}`).digest("hex");
  const texts = [hash, hash.slice(0, 12)];
  const name = path.split(/[.:]/).pop();
  const plain = `secret value of ${name}, ${hash.slice(0, 12)}`;
  return [...texts, Buffer.from(plain).toString("base64"), encodeURIComponent(plain)];
}

const tree = (paths: readonly string[]): Tree =>
  paths.reduce<Tree>((all, path) => {
    const keys = path.split(".");
    const leaf = keys.reduceRight<unknown>((value, key) => ({ [key]: value }), secure(path));
    return merge(all, leaf) as Tree;
  }, {});

const store = (prefix: string, more: Tree = {}) => ({ prefix, ...more });
const azure = { storageAccount: "account" };

/** Stacks that together hold every secret: of two kinds of credentials, or of keys, one stack has one. */
const STACKS: readonly { readonly has: RegExp; readonly config: Tree }[] = [
  {
    has: /accessKeyId|secretAccessKey|pgp|password/,
    config: {
      image: { repository: "registry.example.com/postgres", credentials: { username: "ci" } },
      backup: store("s3://bucket/path", { schedule: "15 2 * * *" }),
      cloneFrom: store("s3://bucket/other"),
    },
  },
  {
    has: /storageAccessKey|libsodium|password/,
    config: {
      image: { repository: "registry.example.com/postgres", credentials: { username: "ci" } },
      backup: store("azure://container/path", { schedule: "15 2 * * *", ...azure }),
      cloneFrom: store("azure://container/other", azure),
    },
  },
];

const configOf = ({ has, config }: (typeof STACKS)[number], version: string): Tree => ({
  ...(merge(config, tree(PATHS.filter((path) => has.test(path)))) as Tree),
  ...Object.fromEntries(PROVIDER.map((key) => [key, secure(key)])),
  postgres: { memory: version },
});

describe("every secret that a stack can hold", () => {
  it("is in one of the stacks that are searched here", () => {
    expect(PATHS).to.include.members(["image.credentials.password", "backup.encryption.pgpKey"]);
    expect(PATHS.filter((path) => !STACKS.some(({ has }) => has.test(path)))).to.deep.equal([]);
  });

  for (const stack of STACKS) {
    for (const preview of [false, true]) {
      it(`is in plain in no resource and no output of ${preview ? "a preview" : "the state"} (${stack.has.source})`, async () => {
        const text = JSON.stringify(await render("prod", configOf(stack, "1Gi"), preview));
        const held = [...PATHS.filter((path) => stack.has.test(path)), ...PROVIDER];
        const plain = held.filter((path) => forms(path).some((form) => text.includes(form)));
        expect(plain).to.deep.equal([]);
        expect(text).not.to.include("password-of-");
      });
    }

    it(`is in no review, of a preview or of two commits (${stack.has.source})`, async () => {
      const [before, after] = [
        await render("prod", configOf(stack, "1Gi")),
        await render("prod", configOf(stack, "2Gi")),
      ];
      const steps = compare(before, after);
      const said = [
        { stack: "prod", steps, review: undefined, more: [] },
        readPreview("prod", previewOf(before, after)),
      ]
        .map((plan) => markdown([judge(plan, "2026-11-25")]))
        .join();
      expect(
        PATHS.concat(PROVIDER).filter((path) => forms(path).some((form) => said.includes(form))),
      ).to.deep.equal([]);
    });
  }

  it("is in plain in no provider where a kubeconfig stands in a stack's file as text", async () => {
    const kubeconfig = "apiVersion: v1\nusers:\n- user: { token: hunter2-hunter2 }\n";
    const text = JSON.stringify(await render("prod", { "kubernetes:kubeconfig": kubeconfig }));
    expect(text).not.to.include("hunter2");
    expect(JSON.stringify(await render("prod", { "kubernetes:kubeconfig": "/home/ci/kube" }))).to.include(
      "/home/ci/kube",
    );
  });
});
