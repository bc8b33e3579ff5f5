import { expect } from "chai";
import type { Rendered, RenderedResource } from "../../../render/record";
import { STACKS } from "../../golden/golden";
import { only, render } from "../render";
import { type Any, backup, STATEFUL_SET, template } from "./template";

interface Pod {
  readonly owner: RenderedResource;
  readonly spec: Any;
  readonly labels: Any;
}

/** The spec of every pod that a stack makes, in whatever kind of object and however deep. */
function podsOf({ resources }: Rendered): Pod[] {
  return resources.flatMap((owner) => templates(owner.inputs).map((it) => ({ owner, ...it })));
}

/** What has containers, and the labels beside it. */
function templates(value: Any): Omit<Pod, "owner">[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value.spec?.containers)
    ? [{ spec: value.spec, labels: value.metadata?.labels }]
    : [];
  return [...own, ...Object.values(value).flatMap(templates)];
}

const placement = {
  namespace: "placed",
  priorityClassName: "precious",
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  imagePullSecrets: ["registry", "mirror"],
};
const AZURE = "azure.workload.identity";
const image = { repository: "r.io/postgres", baseImage: "r.io/base:19" };

/** Each of them makes pods that the others don't. */
const REQUESTS: Readonly<Record<string, Record<string, unknown>>> = {
  "as it is": {},
  "with a restore": { restore: { id: "monday", to: "latest" } },
  "with a clone": { cloneFrom: { prefix: "s3://bucket/other" } },
  "with an upgrade": { postgres: { version: 19 }, image, upgrade: { id: "to-19" } },
};

/** Every stack with every request, on whatever nodes. */
const VARIANTS = STACKS.flatMap((stack) =>
  Object.entries(REQUESTS).map(([what, config]) => ({
    what: `${stack}, ${what}`,
    pods: async (spot: string) =>
      podsOf(await render(stack, { backup, ...config, placement: { ...placement, spot } })),
  })),
);

describe("the pods of every workload of a stack", () => {
  for (const { what, pods } of VARIANTS) {
    for (const spot of ["require", "avoid", "any"]) {
      it(`${what}, spot ${spot}: are placed as the database is: architecture, taints, spot, priority and the registry's Secrets`, async () => {
        const all = await pods(spot);
        const server = all.find(({ owner }) => owner.type === STATEFUL_SET)?.spec;
        expect(all, "server, check, apply, backups").to.have.length.of.at.least(5);
        expect(server).to.deep.include({
          priorityClassName: "precious",
          nodeSelector: placement.nodeSelector,
        });
        expect(server.imagePullSecrets).to.deep.equal([{ name: "registry" }, { name: "mirror" }]);
        expect(server.tolerations ?? []).to.have.length(spot === "require" ? 2 : 0);
        for (const { owner, spec } of all) {
          for (const key of ["priorityClassName", "nodeSelector", "tolerations", "imagePullSecrets"])
            expect(spec[key], `${key} of ${owner.name}`).to.deep.equal(server[key]);
          const nodes = spec.affinity?.nodeAffinity;
          expect(nodes, `node affinity of ${owner.name}`).to.deep.equal(server.affinity?.nodeAffinity);
        }
      });
    }

    it(`${what}: are known to the cloud by the instance's ServiceAccount`, async () => {
      const accounts = new Set((await pods("any")).map(({ spec }) => spec.serviceAccountName));
      expect([...accounts]).to.deep.equal(["postgres"]);
    });

    it(`${what}: that mount the claim or ask the server are beside it, or near it`, async () => {
      for (const { owner, spec } of await pods("require")) {
        if (owner.type === STATEFUL_SET) continue;
        const { podAffinity } = spec.affinity;
        const backs = spec.containers[0].args[0] === "backup.sh";
        const [need, wish] = [
          podAffinity.requiredDuringSchedulingIgnoredDuringExecution ?? [],
          podAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? [],
        ];
        expect([need.length, wish.length], owner.name).to.deep.equal(backs ? [1, 0] : [0, 1]);
      }
    });

    it(`${what}: say what they request and what they may take, as a quota on either demands`, async () => {
      for (const { owner, spec } of await pods("avoid")) {
        for (const { name, resources } of spec.containers) {
          for (const kind of ["requests", "limits"])
            for (const of of ["cpu", "memory"])
              expect(resources?.[kind]?.[of], `${of} in ${kind} of ${owner.name}/${name}`).to.be.a("string");
        }
      }
    });
  }
});

describe("an identity from the cloud", () => {
  const podsWith = async (annotation: string, request: Record<string, unknown>) => {
    const [prefix, account] = annotation.startsWith("azure")
      ? ["azure://box/path", { storageAccount: "a" }]
      : ["s3://b"];
    const credentials = { serviceAccountAnnotations: { [annotation]: "id" } };
    const config = { ...request, backup: { ...backup, ...account, prefix, credentials } };
    return podsOf(await render("prod", config));
  };

  for (const [what, request] of Object.entries(REQUESTS)) {
    it(`of Azure, ${what}: every pod that reaches the store carries the label that Azure asks for`, async () => {
      const pods = await podsWith(`${AZURE}/client-id`, request);
      const reaching = pods.filter(({ spec }) =>
        JSON.stringify(spec.containers[0].env ?? []).includes("WALG_AZ_PREFIX"),
      );
      expect(reaching, "server, archive check, first backup, backups").to.have.length.of.at.least(4);
      for (const { owner, labels } of pods)
        expect(labels?.[`${AZURE}/use`], owner.name).to.equal(
          reaching.some((pod) => pod.owner === owner) ? "true" : undefined,
        );
    });
  }

  it("of AWS or Google is the ServiceAccount's alone: a label would restart the server for nothing", async () => {
    for (const annotation of ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account"])
      expect(JSON.stringify(await podsWith(annotation, {}))).not.to.include(`${AZURE}/use`);
  });
});

describe("the pod that is to be admitted before all others", () => {
  it("has the server's limits and placement, requests next to nothing, and comes before any other job", async () => {
    const rendered = await render("prod", { placement: { ...placement, spot: "require" }, backup });
    const admission = only(rendered, "kubernetes:batch/v1:Job", "postgres-admission");
    const [{ resources: small }, { resources: large }] = [admission, only(rendered, STATEFUL_SET)].map(
      (it) => template(it).spec.containers[0],
    ) as [Any, Any];
    expect(small).to.deep.equal({ limits: large.limits, requests: { cpu: "10m", memory: "64Mi" } });
    for (const name of ["check", "archive-check"])
      expect(only(rendered, "kubernetes:batch/v1:Job", `postgres-${name}`).options.dependsOn).to.include(
        `${admission.type}::${admission.name}`,
      );
  });

  it("asks for the limits once more where they change, and not for another image", async () => {
    const { options } = only(
      await render("prod", { backup }),
      "kubernetes:batch/v1:Job",
      "postgres-admission",
    );
    expect(options.ignoreChanges).to.deep.equal(["spec.template.spec.containers[0].image"]);
  });

  it("is waited for only until it exists: where it runs, and when, is of no interest", async () => {
    const { inputs } = only(
      await render("prod", { backup }),
      "kubernetes:batch/v1:Job",
      "postgres-admission",
    );
    expect((inputs.metadata as Any).annotations).to.deep.equal({
      "pulumi.com/waitFor": "jsonpath={.status.active}=1",
    });
  });
});

describe("finished base backups", () => {
  it("are seen for a week at the most, the last good one and the last that failed: the CronJob holds them, not Pulumi", async () => {
    const { spec } = only(await render("prod", { backup }), "kubernetes:batch/v1:CronJob").inputs as Any;
    expect(spec).to.include({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 });
    expect(spec.jobTemplate.spec.ttlSecondsAfterFinished).to.equal(7 * 24 * 3600);
  });
});

describe("jobs that Pulumi holds", () => {
  it("never vanish by themselves: the next refresh would recreate them", async () => {
    const { resources } = await render("prod", { backup, ...REQUESTS["with a restore"] });
    const jobs = resources.filter(({ type }) => type === "kubernetes:batch/v1:Job");
    expect(jobs.map(({ name }) => name.replace("postgres-", ""))).to.have.members([
      "admission",
      "check",
      "archive-check",
      "preflight",
      "apply",
      "first-backup",
    ]);
    for (const { name, inputs } of jobs)
      expect(inputs.spec, name).not.to.have.property("ttlSecondsAfterFinished");
  });

  it("and the pod that reports are recreated where they failed or change, and never changed in place: somebody may have deleted them", async () => {
    const { resources } = await render("prod", { backup, ...REQUESTS["with a restore"] });
    const all = resources.filter(({ type }) => /:(Job|Pod)$/.test(type));
    expect(all).to.have.length(7);
    for (const { name, options } of all) expect(options.replaceOnChanges, name).to.deep.equal(["*"]);
  });

  it("lose no try with a pod that was evicted or whose node is gone, and have one try but for backups", async () => {
    const { resources } = await render("prod", { backup, ...REQUESTS["with a restore"] });
    const jobs = resources.filter(({ type }) => type === "kubernetes:batch/v1:Job");
    for (const { name, inputs } of jobs) {
      const { backoffLimit, podFailurePolicy, template } = inputs.spec as Any;
      expect(podFailurePolicy.rules[0], name).to.deep.equal({
        action: "Ignore",
        onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
      });
      expect(template.spec.restartPolicy, name).to.equal("Never"); // the API server demands it beside such a policy
      expect(backoffLimit, name).to.equal(name === "postgres-first-backup" ? 2 : 0);
    }
  });

  it("that the update waits for are recreated by the next one where they have not ended well", async () => {
    const rendered = await render("prod", { backup, ...REQUESTS["with a restore"] });
    for (const name of ["check", "archive-check", "preflight", "apply"]) {
      const job = only(rendered, "kubernetes:batch/v1:Job", `postgres-${name}`);
      expect((job.inputs.metadata as Any).annotations, name).to.include({
        "pulumi.com/replaceUnready": "true",
      });
    }
  });
});
