import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { PostgresInstance, type PostgresInstanceArgs, settingsFrom } from "../../../library";
import { record } from "../../../render/record";

const IN_PLACE = { "kubernetes:enableConfigMapMutable": "true", "kubernetes:enableSecretMutable": "true" };

describe("the cluster of an instance in another program", () => {
  /** Providers of the resources by `type::name`; inputs of the providers themselves. */
  let used: Map<string, string>;
  let providers: Map<string, Record<string, unknown>>;

  beforeEach(() => {
    used = new Map();
    providers = new Map();
  });

  /** Runs a program with the runtime's configuration, and gives the error that it ends with. */
  async function run(config: Record<string, string>, program: (args: PostgresInstanceArgs) => void) {
    const mocks = {
      call: () => ({}),
      newResource: ({ type, name, inputs, provider }: pulumi.runtime.MockResourceArgs) => {
        if (type.startsWith("pulumi:providers")) providers.set(name, inputs);
        if (type.startsWith("kubernetes:")) used.set(`${type}::${name}`, provider?.split("::")[3] ?? "");
        return { id: `${name}-id`, state: inputs };
      },
    };
    await pulumi.runtime.setMocks(mocks, "program", "dev");
    record(() => "[secret]"); // makes the SDK's mocks accept hooks
    pulumi.runtime.setAllConfig(config);
    let failure: Error | undefined;
    await pulumi.runtime.runInPulumiStack(async () => {
      try {
        const ref = "r.example.com/postgres:18";
        const settings = settingsFrom("orders", { dataSize: "1Gi", image: { ref } });
        program({ ...settings, image: ref, imageTag: "18" });
      } catch (error) {
        failure = error as Error;
      }
    });
    await pulumi.runtime.disconnect();
    return failure;
  }

  it("is the program's own where that changes ConfigMaps and Secrets in place", async () => {
    const failure = await run({ ...IN_PLACE, "kubernetes:context": "eu" }, (args) => {
      new PostgresInstance("orders", args);
    });
    expect(failure).to.equal(undefined);
    expect(new Set(used.values())).to.deep.equal(new Set(["", "orders-kept"]));
    expect(providers.get("orders-kept")).to.include({ context: "eu", upsertExistingObjects: "true" });
  });

  it("is refused where a changed setting would replace what the server has mounted", async () => {
    const failure = await run({ "kubernetes:enableSecretMutable": "true" }, (args) => {
      new PostgresInstance("orders", args);
    });
    expect(failure?.message).to.include("orders needs kubernetes:enableConfigMapMutable true");
    expect(used.size).to.equal(0);
  });

  it("is the one that the argument names, for every object and for the claim", async () => {
    const failure = await run({ "kubernetes:context": "not-this" }, (args) => {
      new PostgresInstance("orders", { ...args, cluster: { kubeconfig: "{}", context: "us" } });
    });
    expect(failure).to.equal(undefined);
    expect(used.get("kubernetes:core/v1:PersistentVolumeClaim::orders-data")).to.equal("orders-kept");
    expect(used.get("kubernetes:apps/v1:StatefulSet::orders")).to.equal("orders-cluster");
    expect(new Set(used.values())).to.deep.equal(new Set(["orders-kept", "orders-cluster"]));
    for (const name of ["orders-kept", "orders-cluster"]) {
      expect(providers.get(name), name).to.include({ context: "us", kubeconfig: "{}" });
    }
    expect(providers.get("orders-cluster")).to.include({ enableConfigMapMutable: "true" });
  });

  it("can't be a provider, which the claim's own could not follow", async () => {
    const failure = await run(IN_PLACE, (args) => {
      const provider = new k8s.Provider("elsewhere", { context: "us" });
      new PostgresInstance("orders", args, { provider });
    });
    expect(failure?.message).to.include("name the cluster by the argument `cluster` instead");
    expect(used.size).to.equal(0);
  });
});
