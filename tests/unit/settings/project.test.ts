import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { loadSettings } from "../../../settings";
import { stackSchema } from "../../../settings/schema";
import { configure, yaml } from "./runtime";

describe("Pulumi.yaml", () => {
  const declared = yaml("Pulumi.yaml").config as Record<
    string,
    { type?: string; default?: unknown; description?: string }
  >;
  const own = Object.entries(declared).filter(([key]) => !key.includes(":"));

  it("declares every key that a stack may use, and no other", () => {
    expect(own.map(([key]) => key)).to.have.members(Object.keys(stackSchema.shape));
  });

  it("describes every key and its type", () => {
    for (const [key, { type, description }] of own) {
      expect(type, key).to.be.oneOf(["string", "boolean", "object"]);
      expect(description, key).to.have.length.above(20);
    }
  });

  it("has a default for every key but those that a stack must say, or Pulumi would demand them", () => {
    const needed = own.filter(([, it]) => it.default === undefined).map(([key]) => key);
    expect(needed).to.have.members(["dataSize", "image"]);
  });

  it("has defaults that mean the same as a key left out", async () => {
    const needed = { dataSize: "1Gi", image: { repository: "r.example.com/postgres" } };
    const defaults = own.filter(([, it]) => it.default !== undefined).map(([key, it]) => [key, it.default]);
    await configure(needed);
    const without = JSON.stringify(loadSettings());
    await configure({ ...Object.fromEntries(defaults), ...needed });
    expect(JSON.stringify(loadSettings())).to.equal(without);
  });

  it("may have another name: a stack's keys have it too", async () => {
    const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(mocks, "acme-databases", "prod");
    const image = JSON.stringify({ repository: "r.example.com/postgres" });
    pulumi.runtime.setAllConfig({ "acme-databases:dataSize": "2Gi", "acme-databases:image": image });
    expect(loadSettings().volume.claimSize).to.equal("5120Mi");
  });

  it("says which Pulumi CLI it needs", () => {
    const { requiredPulumiVersion } = yaml("Pulumi.yaml") as unknown as { requiredPulumiVersion?: string };
    expect(requiredPulumiVersion).to.match(/^>=3\.\d+\.\d+$/);
  });
});
