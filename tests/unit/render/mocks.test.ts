import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { renderStack } from "../../../render/mocks";

/** A program with every trait that the mocks must carry over. */
const PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const k8s = require("@pulumi/kubernetes");
const random = require("@pulumi/random");
const config = new pulumi.Config("postgres-stack");
if (config.get("broken")) throw new pulumi.RunError("dataSize: is broken");
const password = new random.RandomPassword("password", { length: 8 });
const secret = new k8s.core.v1.Secret("secret", { stringData: { user: "app", password: password.result } });
class Group extends pulumi.ComponentResource {}
const group = new Group("a:b:Group", "new", {}, { aliases: [{ name: "old" }] });
const map = new k8s.core.v1.ConfigMap(
  "new-map",
  { data: { size: config.require("dataSize"), from: process.env.RENDER_TEST ?? "nobody" } },
  { protect: true, retainOnDelete: true, dependsOn: secret, parent: group, hooks: { afterCreate: [async () => {}] } },
);
exports.name = map.metadata.name;
exports.password = password.result;
`;

describe("rendering a stack with mocks", () => {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-mocks-"));
  const program = join(folder, "program.js");
  before(() => {
    symlinkSync(resolve(__dirname, "../../../node_modules"), join(folder, "node_modules"));
    writeFileSync(program, PROGRAM);
  });
  after(() => rmSync(folder, { recursive: true }));

  const render = async (options: Parameters<typeof renderStack>[1] = {}) => {
    const { resources, outputs } = await renderStack("dev", { program, ...options });
    const of = (name: string) => resources.find((it) => it.name === name) ?? expect.fail(`no ${name}`);
    return { map: of("new-map"), secret: of("secret"), outputs };
  };

  it("shows a resource's options, which the SDK's mocks keep to themselves", async () => {
    const { map } = await render();
    expect(map.options).to.include({ protect: true, retainOnDelete: true });
    expect(map.options.dependsOn).to.deep.equal(["kubernetes:core/v1:Secret::secret"]);
    expect(map.options.hooks).to.have.length(1);
  });

  it("shows former names, also those that follow from the parent's", async () => {
    const { map } = await render();
    const urns = (type: string) => `urn:pulumi:dev::postgres-stack::${type}kubernetes:core/v1:ConfigMap`;
    expect(map.aliases).to.deep.equal([`${urns("a:b:Group$")}::old-map`]);
  });

  it("hides every secret in inputs and outputs, unless asked", async () => {
    const hidden = await render();
    expect(hidden.secret.inputs.stringData).to.deep.equal({ user: "[secret]", password: "[secret]" });
    expect(hidden.outputs.password).to.equal("[secret]");
    const shown = await render({ secrets: (plain) => plain });
    expect(shown.secret.inputs.stringData).to.have.property("user", "app");
    expect(shown.secret.inputs.stringData)
      .to.have.property("password")
      .that.matches(/^password-of-password-/);
  });

  it("takes configuration and environment from the caller for this one run", async () => {
    const other = await render({ config: { dataSize: "7Gi" }, environment: { RENDER_TEST: "the test" } });
    expect(other.map.inputs.data).to.deep.equal({ size: "7Gi", from: "the test" });
    expect((await render()).map.inputs.data).to.deep.equal({ size: "1Gi", from: "nobody" });
  });

  it("a preview does not know what only a provider knows", async () => {
    expect((await render({ preview: true })).outputs.password).to.equal("[unknown]");
    expect((await render()).outputs).to.include({ name: "new-map" });
  });

  it("renders a stack whose secrets can't be decrypted here, whatever they must look like", async () => {
    const secure = (text: string) => ({ secure: `v1:${text}` });
    const keysOf = async (encryption: Record<string, unknown>) => {
      const backup = { prefix: "s3://bucket/prod", schedule: "15 2 * * *", encryption };
      const { resources } = await renderStack("prod", { config: { backup } });
      return resources.filter(({ name }) => /encryption/.test(name));
    };
    expect(await keysOf({ pgpKey: secure("key"), pgpPassphrase: secure("words") })).to.have.length(1);
    expect(await keysOf({ libsodiumKey: secure("key") })).to.have.length(1);
  });

  it("throws what the program throws, and renders again afterwards", async () => {
    const failed = await render({ config: { broken: "yes" } }).catch((error: Error) => error);
    expect(failed).to.be.an("error").with.property("message", "dataSize: is broken");
    expect((await render()).outputs.name).to.equal("new-map");
  });
});
