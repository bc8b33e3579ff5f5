import { expect } from "chai";
import { refuseKubeconfig, refuseOthers, refuseStrangers } from "../../../adoption/refuse";
import { adopt, type Live, type Resource } from "../../../adoption/state";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const urn = (type: string, name: string) => `urn:pulumi:prod::postgres-stack::parent$${type}::${name}`;
const PROVIDER = "urn:pulumi:prod::postgres-stack::pulumi:providers:kubernetes::default_4_32_0";

/** What a preview would create: an object of Kubernetes. */
function planned(kind: string, name: string, inputs: Record<string, unknown> = {}): Resource {
  const type = `kubernetes:core/v1:${kind}`;
  const metadata = { name, namespace: "db", ...(inputs.metadata as object) };
  return {
    urn: urn(type, name),
    type,
    custom: true,
    provider: `${PROVIDER}::${UNKNOWN}`,
    inputs: { kind, ...inputs, metadata },
  };
}

const live = (kind: string, name: string, more: Record<string, unknown> = {}): Live => ({
  apiVersion: "v1",
  kind,
  ...more,
  metadata: { name, namespace: "db", ...(more.metadata as object) },
});

const only = (resources: readonly Resource[], name: string) =>
  resources.find((it) => it.urn.endsWith(`::${name}`)) ?? expect.fail(`no ${name}`);

describe("a rebuilt state", () => {
  it("has the default providers, with the stack's configuration, and what uses them names their ids", () => {
    const config = { "kubernetes:context": "prod", "postgres-stack:dataSize": "1Gi" };
    const { resources } = adopt([planned("Service", "postgres")], [live("Service", "postgres")], config);
    const provider = only(resources, "default_4_32_0");
    expect(provider.inputs).to.deep.equal({ context: "prod", version: "4.32.0" });
    expect(only(resources, "postgres").provider).to.equal(`${PROVIDER}::${provider.id}`);
    expect(only(resources, "postgres").id).to.equal("db/postgres");
  });

  it("lacks what the cluster lacks, says so, and nothing refers to it", () => {
    const service = { ...planned("Service", "postgres"), dependencies: [planned("Secret", "gone").urn] };
    const { resources, missing } = adopt(
      [planned("Secret", "gone"), service],
      [live("Service", "postgres")],
      {},
    );
    expect(missing).to.deep.equal(["kubernetes:core/v1:Secret::gone"]);
    expect(only(resources, "postgres").dependencies).to.deep.equal([]);
  });

  it("names the field manager that the API server knows, and none where it knows none of Pulumi's", () => {
    const managedFields = [
      { manager: "pulumi-kubernetes-00000001", operation: "Apply", time: "2026-01-01T00:00:00Z" },
      { manager: "pulumi-kubernetes-00000002", operation: "Apply", time: "2026-01-02T00:00:00Z" },
      { manager: "kube-controller-manager", operation: "Update", time: "2026-01-03T00:00:00Z" },
    ];
    const manager = (metadata: object) =>
      only(
        adopt([planned("Service", "postgres")], [live("Service", "postgres", { metadata })], {}).resources,
        "postgres",
      ).outputs?.__fieldManager;
    expect(manager({ managedFields })).to.equal("pulumi-kubernetes-00000002");
    expect(manager({})).to.match(/^pulumi-kubernetes-[0-9a-f]{8}$/);
  });

  it("takes the newest of the objects that Pulumi named, and no other one whose name begins alike", () => {
    const metadata = { annotations: { "pulumi.com/autonamed": "true" } };
    const job = {
      ...planned("Job", "postgres-check-11111111", { metadata }),
      urn: urn("Job", "postgres-check"),
    };
    const at = (name: string, creationTimestamp: string) =>
      live("Job", name, { metadata: { creationTimestamp } });
    const there = [
      at("postgres-check-aaaaaaaa", "2026-01-01T00:00:00Z"),
      at("postgres-check-bbbbbbbb", "2026-01-02T00:00:00Z"),
      at("postgres-check-more-cccccccc", "2026-01-03T00:00:00Z"),
    ];
    const { resources } = adopt([job], there, {});
    expect(only(resources, "postgres-check").id).to.equal("db/postgres-check-bbbbbbbb");
  });

  it("holds the passwords that are in the Secrets, as secrets", () => {
    const type = "random:index/randomPassword:RandomPassword";
    const password: Resource = {
      urn: urn(type, "postgres-app-password"),
      type,
      custom: true,
      inputs: { length: 32 },
    };
    const data = { password: Buffer.from("of the server").toString("base64") };
    const wanted = [password, planned("Secret", "postgres-app", { data: "[secret]" })];
    const { resources } = adopt(wanted, [live("Secret", "postgres-app", { data })], {});
    expect(only(resources, "postgres-app-password").outputs?.result).to.include({
      plaintext: '"of the server"',
    });
    const secret = only(resources, "postgres-app");
    for (const part of [secret.inputs?.data, secret.outputs?.data])
      expect(part).to.include({ plaintext: JSON.stringify(data) });
  });

  it("has the image that the server runs, if the program builds the same; another one an update builds", () => {
    const type = "docker:index/image:Image";
    const image = (tag: string): Resource => ({
      urn: urn(type, "postgres"),
      type,
      custom: true,
      inputs: { imageName: `registry:5000/postgres:${tag}` },
    });
    const annotations = { "postgres-stack/image": "18-aaaa" };
    const containers = [{ image: "registry:5000/postgres@sha256:1234" }];
    const server = live("StatefulSet", "postgres", {
      spec: { template: { metadata: { annotations }, spec: { containers } } },
    });
    expect(adopt([image("18-aaaa")], [server], {}).resources[0]?.outputs).to.include({
      repoDigest: "registry:5000/postgres@sha256:1234",
    });
    expect(adopt([image("18-bbbb")], [server], {}).missing).to.deep.equal([`${type}::postgres`]);
  });
});

describe("what is not adopted", () => {
  const claim = (owner: string, labels = {}): Resource => ({
    ...planned("PersistentVolumeClaim", "postgres-data", {
      metadata: { labels, annotations: { "postgres-stack/owner": owner } },
    }),
  });
  const there = (owner: string) =>
    live("PersistentVolumeClaim", "postgres-data", {
      metadata: { annotations: { "postgres-stack/owner": owner } },
    });

  it("another stack's claim, one that is not there, and a disposable stack's", () => {
    const [mine, disposable] = [claim("mine"), claim("mine", { "postgres-stack/disposable": "true" })];
    refuseStrangers([mine], [there("mine")]);
    expect(() => refuseStrangers([mine], [there("theirs")])).to.throw("belongs to theirs, not to mine");
    expect(() => refuseStrangers([mine], [])).to.throw("no database runs there");
    expect(() => refuseStrangers([disposable], [there("mine")])).to.throw("kubectl delete namespace db");
  });

  it("a kubeconfig in the stack's file, as kubectl may read another cluster", () => {
    refuseKubeconfig({ "kubernetes:context": "prod" });
    expect(() => refuseKubeconfig({ "kubernetes:kubeconfig": "[secret]" })).to.throw("KUBECONFIG");
  });

  it("a state that holds more than this program makes: the rest would be forgotten", () => {
    const [mine, other] = [planned("Service", "postgres"), planned("Service", "of-another-program")];
    refuseOthers([mine], [mine]);
    expect(() => refuseOthers([mine, other], [mine])).to.throw("of-another-program");
  });
});
