import { expect } from "chai";
import type { Rendered, RenderedResource } from "../../../local/record";
import { only, render } from "../render";

const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const POD_OWNERS = [STATEFUL_SET, "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob"];

// biome-ignore lint/suspicious/noExplicitAny: rendered inputs are read by path
type Any = any;

const backup = {
  prefix: "s3://bucket/path",
  schedule: "15 2 * * *",
  credentials: { accessKeyId: "key-id", secretAccessKey: "very-secret" },
};

const PGP_KEY = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nvery-secret\n-----END PGP PRIVATE KEY BLOCK-----";

/** The pod's template of a StatefulSet, Job or CronJob. */
function template({ inputs }: RenderedResource): Any {
  const spec = inputs.spec as Any;
  return (spec.jobTemplate?.spec ?? spec).template;
}

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

  it("asks for 2.5 times the data", async () => {
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
    expect(pods.map(({ name }) => name)).to.have.length(5);
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

  it("shows no secret in plain anywhere", async () => {
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

describe("base backups", () => {
  it("run as a CronJob beside the pod that has the claim, never two at a time", async () => {
    const cron = only(await render("prod", { backup }), "kubernetes:batch/v1:CronJob");
    expect(cron.inputs.spec).to.include({
      schedule: "15 2 * * *",
      timeZone: "Etc/UTC",
      concurrencyPolicy: "Forbid",
    });
    const { spec } = template(cron);
    const [term] = spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    const server = only(await render("prod", { backup }), STATEFUL_SET);
    expect(template(server).metadata.labels).to.include(term.labelSelector.matchLabels);
    const data = spec.containers[0].volumeMounts.find((mount: Any) => mount.name === "data");
    expect(data.readOnly).to.equal(true);
  });

  it("begin with the first, without which archived WAL is worth nothing; the update does not wait for it", async () => {
    const first = only(await render("prod", { backup }), "kubernetes:batch/v1:Job", "postgres-first-backup");
    expect((first.inputs.metadata as Any).annotations).to.include({ "pulumi.com/skipAwait": "true" });
    expect(template(first).spec.containers[0].args).to.deep.equal(["backup.sh", "--first"]);
  });

  it("of a disposable stack go to a folder of that life, so that the next one overwrites nothing", async () => {
    const { outputs } = await render("dev", { backup });
    expect(outputs.backupPrefix).to.match(/^s3:\/\/bucket\/path\/[0-9a-f]{8}\/18$/);
  });

  it("without a backup section there is no schedule, no credentials and no prefix", async () => {
    const rendered = await render("dev", { backup: undefined });
    expect(rendered.resources.filter(({ type }) => type === "kubernetes:batch/v1:CronJob")).to.deep.equal([]);
    expect(JSON.stringify(only(rendered, STATEFUL_SET))).not.to.include("WALG_");
    expect(rendered.outputs.backupPrefix).to.equal("");
  });

  it("use a Secret that exists where the stack names one", async () => {
    const config = { backup: { ...backup, credentials: { secretName: "our-store" } } };
    const rendered = await render("prod", config);
    const { spec } = template(only(rendered, STATEFUL_SET));
    expect(JSON.stringify(spec.volumes)).to.include('"secretName":"our-store"');
    const names = spec.containers[0].env.map(({ name }: Any) => name);
    expect(names).to.include.members(["AWS_ACCESS_KEY_ID_FILE", "AWS_SECRET_ACCESS_KEY_FILE"]);
  });
});

describe("encryption", () => {
  const encrypted = (encryption: Record<string, string>) =>
    render("prod", { backup: { ...backup, encryption } });
  const names = (resource: RenderedResource) =>
    template(resource).spec.containers[0].env.map(({ name }: Any) => name);
  const firstBackup = async (encryption: Record<string, string>) =>
    only(await encrypted(encryption), "kubernetes:batch/v1:Job", "postgres-first-backup");

  it("has its key in a Secret of its own, mounted as files by the server and by base backups, in plain nowhere", async () => {
    const rendered = await encrypted({ pgpKey: PGP_KEY, pgpPassphrase: "very-secret" });
    const secret = only(rendered, "kubernetes:core/v1:Secret", "postgres-encryption");
    expect(secret.inputs.stringData).to.deep.equal({
      WALG_PGP_KEY: "[secret]",
      WALG_PGP_KEY_PASSPHRASE: "[secret]",
    });
    for (const resource of [only(rendered, STATEFUL_SET), only(rendered, "kubernetes:batch/v1:CronJob")]) {
      expect(names(resource)).to.include.members(["WALG_PGP_KEY_FILE", "WALG_PGP_KEY_PASSPHRASE_FILE"]);
      expect(JSON.stringify(template(resource).spec.volumes)).to.include(
        '"secretName":"postgres-encryption"',
      );
      expect(resource.options.dependsOn).to.include("kubernetes:core/v1:Secret::postgres-encryption");
    }
    expect(JSON.stringify(rendered)).not.to.include("very-secret");
  });

  it("takes its key from a Secret that exists, of whatever kind it is", async () => {
    const rendered = await encrypted({ secretName: "our-keys" });
    const server = only(rendered, STATEFUL_SET);
    expect(names(server)).to.include.members(["ENCRYPTION_FOLDER", "WALG_LIBSODIUM_KEY_TRANSFORM"]);
    expect(JSON.stringify(template(server).spec.volumes)).to.include('"secretName":"our-keys"');
  });

  it("of a clone's source has a key of its own, which base backups do not get", async () => {
    const cloneFrom = { prefix: "s3://bucket/other", encryption: { pgpKey: PGP_KEY } };
    const rendered = await render("prod", { backup, cloneFrom });
    only(rendered, "kubernetes:core/v1:Secret", "postgres-clone-encryption");
    expect(names(only(rendered, STATEFUL_SET))).to.include("CLONE_WALG_PGP_KEY_FILE");
    const cron = only(rendered, "kubernetes:batch/v1:CronJob");
    expect(JSON.stringify(template(cron))).not.to.include("encryption");
  });

  it("with another key asks for a base backup that the new key opens, and does not restart the server", async () => {
    const one = { pgpKey: PGP_KEY };
    const other = { pgpKey: PGP_KEY.replace("very-secret", "another") };
    expect(template(await firstBackup(one))).not.to.deep.equal(template(await firstBackup(other)));
    const [before, after] = [await encrypted(one), await encrypted(other)];
    expect(template(only(before, STATEFUL_SET))).to.deep.equal(template(only(after, STATEFUL_SET)));
  });
});

describe("settings reach the server", () => {
  it("only after a scratch server started with them", async () => {
    const rendered = await render("dev");
    const live = only(rendered, "kubernetes:core/v1:ConfigMap", "postgres-conf");
    expect(live.options.dependsOn).to.include("kubernetes:batch/v1:Job::postgres-check");
    const server = only(rendered, STATEFUL_SET);
    expect(server.options.dependsOn).to.include("kubernetes:core/v1:ConfigMap::postgres-conf");
  });

  it("and are confirmed by a job that the update waits for", async () => {
    const apply = only(await render("dev"), "kubernetes:batch/v1:Job", "postgres-apply");
    expect(apply.options.dependsOn).to.include("kubernetes:core/v1:PodPatch::postgres-conf-nudge");
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

describe("a request", () => {
  const restore = { id: "monday", to: "latest" };
  const cloneFrom = {
    prefix: "s3://bucket/other",
    credentials: { accessKeyId: "reader", secretAccessKey: "very-secret-too" },
  };
  const pods = (rendered: Rendered) => [
    only(rendered, "kubernetes:batch/v1:Job", "postgres-preflight"),
    only(rendered, "kubernetes:core/v1:Pod", "postgres-report"),
  ];

  it("is checked before the server changes and reported after it, by pods that can't write to the volume", async () => {
    const rendered = await render("prod", { backup, restore });
    const [check, report] = pods(rendered) as [RenderedResource, RenderedResource];
    const conf = only(rendered, "kubernetes:core/v1:ConfigMap", "postgres-conf"); // the first that the server uses
    expect(conf.options.dependsOn, "settings").to.include(`${check.type}::${check.name}`);
    expect(report.options.dependsOn, "report").to.include(`${STATEFUL_SET}::postgres`);
    for (const spec of [template(check).spec, report.inputs.spec as Any]) {
      expect(spec.securityContext.runAsNonRoot).to.equal(true);
      expect(spec.containers[0].securityContext.capabilities).to.deep.equal({ drop: ["ALL"] });
      expect(spec.containers[0].volumeMounts.find((mount: Any) => mount.name === "data").readOnly).to.equal(
        true,
      );
    }
  });

  it("is told to the server and to the pods that ask about it in the same words", async () => {
    const rendered = await render("prod", { backup, restore });
    const told = (spec: Any) =>
      spec.containers[0].env.filter(({ name }: Any) => /^(RESTORE|WALG|AWS)_/.test(name));
    const server = told(template(only(rendered, STATEFUL_SET)).spec);
    expect(server).to.deep.include({ name: "RESTORE_ID", value: "monday" });
    for (const pod of pods(rendered))
      expect(told(template(pod)?.spec ?? pod.inputs.spec)).to.deep.equal(server);
  });

  it("has the credentials of a clone's source as files, apart from the stack's own, and nowhere in plain", async () => {
    const rendered = await render("prod", { backup, cloneFrom });
    expect(JSON.stringify(rendered)).not.to.include("very-secret-too");
    const { containers, volumes } = template(only(rendered, STATEFUL_SET)).spec;
    const folder = "/run/secrets/postgres-stack";
    expect(containers[0].env).to.deep.include.members([
      { name: "AWS_SECRET_ACCESS_KEY_FILE", value: `${folder}/object-store/AWS_SECRET_ACCESS_KEY` },
      { name: "CLONE_AWS_SECRET_ACCESS_KEY_FILE", value: `${folder}/clone-source/AWS_SECRET_ACCESS_KEY` },
    ]);
    expect(JSON.stringify(volumes)).to.include("postgres-clone-source");
  });

  it("that is not made leaves nothing behind", async () => {
    const names = (await render("prod", { backup })).resources.map(({ name }) => name);
    expect(names.filter((name) => /preflight|report|clone/.test(name))).to.deep.equal([]);
  });
});
