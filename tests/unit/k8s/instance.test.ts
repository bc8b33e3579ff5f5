import { expect } from "chai";
import { only, render } from "../render";
import { type Any, backup, CLAIM, PGP_KEY, STATEFUL_SET, template } from "./template";

const POD_OWNERS = [STATEFUL_SET, "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob"];

describe("an instance", () => {
  it("keeps its claim when the stack goes: protected and retained", async () => {
    const claim = only(await render("prod"), CLAIM);
    expect(claim.options).to.include({ protect: true, retainOnDelete: true });
  });

  it("lets go of the claim of a disposable stack", async () => {
    const claim = only(await render("dev"), CLAIM);
    expect(claim.options).to.include({ protect: false, retainOnDelete: false });
  });

  it("never deletes the namespace: there may be more in it", async () => {
    const namespace = only(await render("dev"), "kubernetes:core/v1:Namespace");
    expect(namespace.options.retainOnDelete).to.equal(true);
  });

  it("requests 2.5 times the data", async () => {
    const claim = only(await render("dev", { dataSize: "3Gi" }), CLAIM);
    expect((claim.inputs.spec as Any).resources.requests.storage).to.equal("7680Mi");
  });

  it("gives the StatefulSet a name, namespace, selector and serviceName that are known at preview and never change", async () => {
    const identity = async (config: Record<string, unknown>) => {
      const { inputs } = only(await render("dev", config, true), STATEFUL_SET);
      const { metadata, spec } = inputs as Any;
      return {
        name: metadata.name,
        namespace: metadata.namespace,
        selector: spec.selector,
        service: spec.serviceName,
      };
    };
    const before = await identity({});
    expect(JSON.stringify(before)).not.to.include("unknown");
    expect(
      await identity({ dataSize: "9Gi", postgres: { memory: "2Gi", settings: { work_mem: "8MB" } }, backup }),
    ).to.deep.equal(before);
  });

  it("runs pods that pass Pod Security restricted, without a token of the API server", async () => {
    const pods = (await render("prod", { backup })).resources.filter(({ type }) => POD_OWNERS.includes(type));
    expect(pods.map(({ name }) => name)).to.have.length(7);
    for (const pod of pods) {
      const { spec } = template(pod);
      expect(spec.securityContext, pod.name).to.deep.include({
        runAsNonRoot: true,
        runAsUser: 999,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(spec.automountServiceAccountToken, pod.name).to.equal(false);
      for (const container of spec.containers) {
        expect(container.securityContext, pod.name).to.deep.equal({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        });
        expect(container.resources.limits.memory, pod.name).to.be.a("string");
      }
    }
  });

  it("shows no secret in plaintext anywhere", async () => {
    const rendered = JSON.stringify(await render("prod", { backup }));
    expect(rendered).not.to.include("very-secret");
    expect(rendered).not.to.include("password-of-");
  });

  it("gives the application a Secret with the keys that clients know", async () => {
    const { inputs } = only(await render("prod"), "kubernetes:core/v1:Secret", "postgres-app");
    expect(Object.keys(inputs.stringData as Any).sort()).to.deep.equal([
      "database",
      "host",
      "jdbc-uri",
      "password",
      "port",
      "uri",
      "username",
    ]);
  });
});

describe("a change restarts the server", () => {
  const pod = async (config: Record<string, unknown>) =>
    JSON.stringify(template(only(await render("dev", { backup, ...config }), STATEFUL_SET)));
  const restarts = async (config: Record<string, unknown>) => (await pod(config)) !== (await pod({}));

  it("never for a setting that PostgreSQL reloads", async () => {
    expect(
      await restarts({ postgres: { memory: "512Mi", cpu: "500m", settings: { work_mem: "9MB" } } }),
    ).to.equal(await restarts({ postgres: { memory: "512Mi", cpu: "500m" } }));
  });

  const changes: [string, boolean, Record<string, unknown>][] = [
    [
      "a setting that needs it",
      true,
      { postgres: { memory: "512Mi", cpu: "500m", settings: { max_connections: 33 } } },
    ],
    ["more memory", true, { postgres: { memory: "1Gi", cpu: "500m" } }],
    ["a growing volume", false, { dataSize: "2Gi" }],
    ["another schedule", false, { backup: { ...backup, schedule: "0 5 * * *" } }],
    ["another retention", false, { backup: { ...backup, retain: 3 } }],
    [
      "another secret key of the object store",
      false,
      {
        backup: { ...backup, credentials: { accessKeyId: "key-id", secretAccessKey: "rotated" } },
      },
    ],
    ["encryption", true, { backup: { ...backup, encryption: { pgpKey: PGP_KEY } } }],
    ["another prefix", true, { backup: { ...backup, prefix: "s3://bucket/elsewhere" } }],
  ];
  for (const [what, expected, config] of changes) {
    it(`${expected ? "" : "not "}for ${what}`, async () => expect(await restarts(config)).to.equal(expected));
  }
});

describe("settings reach the server", () => {
  it("only after a scratch server started with them", async () => {
    const rendered = await render("dev");
    const live = only(rendered, "kubernetes:core/v1:ConfigMap", "postgres-conf");
    expect(live.options.dependsOn).to.include("kubernetes:batch/v1:Job::postgres-check");
    const server = only(rendered, STATEFUL_SET);
    expect(server.options.dependsOn).to.include("kubernetes:core/v1:ConfigMap::postgres-conf");
  });

  it("only after the server that runs was asked whether it would start with them", async () => {
    const check = only(await render("dev"), "kubernetes:batch/v1:Job", "postgres-check");
    const { containers, volumes } = template(check).spec;
    expect(containers[0].env).to.deep.include.members([
      { name: "PGHOST", value: "postgres.postgres-stack-dev.svc" },
      { name: "PGPASSWORD_FILE", value: "/run/secrets/postgres-stack/superuser/password" },
    ]);
    expect(JSON.stringify(volumes)).to.include("postgres-superuser");
    expect(check.options.dependsOn).to.include("kubernetes:core/v1:Secret::postgres-superuser");
  });

  it("and are confirmed by a job that the update waits for", async () => {
    const apply = only(await render("dev"), "kubernetes:batch/v1:Job", "postgres-apply");
    const [nudge] = apply.options.dependsOn.filter((it) => it.startsWith("kubernetes:core/v1:PodPatch::"));
    expect(nudge).to.match(/::postgres-conf-nudge-[0-9a-f]{16}$/);
  });

  it("make the kubelet look by a patch for each content, which a pod without its annotation does not change", async () => {
    const nudgeFor = async (settings: Record<string, unknown>) =>
      (await render("dev", { postgres: { memory: "512Mi", cpu: "500m", settings } })).resources.find(
        ({ type }) => type === "kubernetes:core/v1:PodPatch",
      );
    const [before, after] = [await nudgeFor({}), await nudgeFor({ work_mem: "7MB" })];
    expect(before?.name).not.to.equal(after?.name);
    expect(after?.options.ignoreChanges).to.deep.equal(["metadata.annotations"]);
  });
});

describe("spot nodes", () => {
  const placed = async (spot: string) =>
    template(only(await render("prod", { placement: { namespace: "x", spot } }), STATEFUL_SET)).spec;

  it("avoided: no mark of any cloud may be there", async () => {
    const { nodeSelectorTerms } = (await placed("avoid")).affinity.nodeAffinity
      .requiredDuringSchedulingIgnoredDuringExecution;
    expect(nodeSelectorTerms).to.have.length(1);
    expect(nodeSelectorTerms[0].matchExpressions.map(({ operator }: Any) => operator)).to.deep.equal(
      Array(4).fill("NotIn"),
    );
  });

  it("required: one mark is enough, and the clouds' taints are tolerated", async () => {
    const spec = await placed("require");
    expect(
      spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms,
    ).to.have.length(4);
    expect(spec.tolerations).to.have.length(2);
  });

  it("any: nothing is said", async () => {
    const spec = await placed("any");
    expect(spec).not.to.have.any.keys("affinity", "tolerations");
  });
});
