import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { renderStack } from "../../../render/mocks";
import { resourcePolicies, stackPolicies } from "../../../review/policies/policies";
import type { Resource, ResourcePolicy, StackPolicy } from "../../../review/policies/policy";
import { ownValues, stackFiles } from "../../../settings/stacks";
import { judge, rendered } from "./judge";

const policies = [...resourcePolicies, ...stackPolicies] as (ResourcePolicy | StackPolicy)[];
const ROOT = resolve(__dirname, "../../..");
const backup = {
  prefix: "s3://bucket/path",
  schedule: "15 2 * * *",
  credentials: { accessKeyId: "the-key-id", secretAccessKey: "very-secret" },
};
const restore = { id: "monday", to: "latest" };

/** Rendered like `pulumi up`, with the values of secrets, so that their policies have something to look for. */
async function resourcesOf(stack: string, config = {}, folder = ROOT): Promise<Resource[]> {
  const { resources } = await renderStack(stack, { folder, config, secrets: (plain) => plain });
  return resources.map(rendered);
}

describe("every policy", () => {
  // every stack of the checkout, so that CI judges them without a cluster
  const stacks: [what: string, render: () => Promise<Resource[]>][] = stackFiles(ROOT).map((file) => {
    const fed = ownValues(file, "postgres-stack").fromEnvironment === true;
    return [
      `stack ${file.stack}`,
      () => resourcesOf(file.stack, fed ? { fromEnvironment: false, backup } : {}),
    ];
  });
  stacks.push(
    ["dev without backups", () => resourcesOf("dev", { fromEnvironment: false, backup: undefined })],
    ["prod with keys in its settings, and a restore", () => resourcesOf("prod", { backup, restore })],
  );
  for (const [what, render] of stacks) {
    it(`accepts ${what}`, async () => {
      const resources = await render();
      for (const policy of policies) expect(judge(policy, resources), policy.name).to.deep.equal([]);
    });
  }

  it("accepts two databases of another program", async () => {
    const folder = resolve(ROOT, "examples/two-databases");
    const config = { accessKeyId: "the-key-id", secretAccessKey: "very-secret" };
    const resources = await resourcesOf("dev", config, folder);
    for (const policy of policies) {
      const own = policy.name === "own-backup-prefix" ? { folder, key: "store.prefix" } : {};
      expect(judge(policy, resources, own), policy.name).to.deep.equal([]);
    }
  });

  it("refuses something of a production stack that is everything but that", async () => {
    const disposable = await resourcesOf("prod", { disposable: true, backup: undefined });
    const undone = disposable.map((it) =>
      JSON.parse(JSON.stringify(it).replaceAll("postgres-stack/disposable", "x")),
    );
    const refusing = policies.filter((policy) => judge(policy, undone as Resource[]).length > 0);
    expect(refusing.map(({ name }) => name)).to.have.members(["claim-protected", "backups-on"]);
  });

  it("has a name, a description, and a description of each setting", () => {
    const names = policies.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name, description, defaults, schema } of policies) {
      expect(description, `${name}'s description is a sentence of 32 characters or more`).to.match(
        /^[A-Z].{30,}\.$/,
      );
      expect(Object.keys(schema), name).to.have.members(Object.keys(defaults));
      for (const it of Object.values(schema) as { description?: string }[]) {
        expect(it.description, name).to.be.a("string");
      }
    }
  });
});

describe("docs/policies.md", () => {
  it("has a row for each policy, with each of its settings", () => {
    const page = readFileSync(resolve(ROOT, "docs/policies.md"), "utf8");
    for (const { name, defaults } of policies) {
      const row = page.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
      expect(row, name).to.be.a("string");
      for (const setting of Object.keys(defaults)) expect(row).to.include(`\`${setting}\``);
    }
  });
});
