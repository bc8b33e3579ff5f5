import { resolve } from "node:path";
import { expect } from "chai";
import { renderStack } from "../../../render/mocks";
import type { Rendered } from "../../../render/record";

const folder = resolve(__dirname, "../../../examples/two-databases");
const SECRETS = { accessKeyId: "key-id", secretAccessKey: "very-secret" };

// biome-ignore lint/suspicious/noExplicitAny: rendered inputs are read by path
type Any = any;

describe("examples/two-databases", () => {
  let rendered: Rendered;
  before(async () => {
    rendered = await renderStack("dev", { folder, config: SECRETS, preview: true });
  });
  const of = (type: string) => rendered.resources.filter((it) => it.type.endsWith(`:${type}`));

  it("runs two databases from one image", () => {
    expect(of("Image")).to.have.length(1);
    expect(of("StatefulSet").map(({ name }) => name)).to.have.members(["orders", "billing"]);
  });

  it("no two resources have one name, in the program or in the cluster", () => {
    const objects = rendered.resources
      .filter(({ inputs }) => (inputs.metadata as Any)?.name)
      .map(({ type, inputs: { metadata } }) => [type, (metadata as Any).namespace, (metadata as Any).name]);
    for (const names of [rendered.resources.map(({ urn }) => urn), objects.map(String)]) {
      expect(names.filter((name, i) => names.indexOf(name) !== i)).to.deep.equal([]);
    }
  });

  it("each has its own namespace, archive, role and size, and protects its claim", () => {
    const namespaces = of("Namespace").map(({ inputs }) => (inputs.metadata as Any).name);
    expect(namespaces).to.have.members(["two-databases-dev-orders", "two-databases-dev-billing"]);
    const servers = JSON.stringify(of("StatefulSet"));
    for (const name of ["orders", "billing"]) {
      expect(servers).to.include(`s3://example-postgres-backups/two-databases/dev/${name}"`);
    }
    const claims = of("PersistentVolumeClaim");
    expect(claims.map(({ options }) => options.protect)).to.deep.equal([true, true]);
    const sizes = claims.map(({ inputs }) => (inputs.spec as Any).resources.requests.storage);
    expect(sizes).to.have.members(["5120Mi", "2560Mi"]);
  });

  it("shows no secret in plain", () => {
    expect(JSON.stringify(rendered)).not.to.include("very-secret").and.not.to.include("key-id");
  });

  it("a mistake in one of them ends it before anything is registered, and names the database", async () => {
    const image = { repository: "nohost" };
    const failed = await renderStack("dev", { folder, config: { ...SECRETS, image } }).catch((it) => it);
    expect(failed.message).to.match(
      /^1 setting is wrong in database orders; nothing was touched:\n +image\.rep/,
    );
  });
});
