import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { buildOf } from "../../../rehearsal/image";
import { type Claim, hasArchive, majorOf, rehearsalJob, type Server } from "../../../rehearsal/job";
import { carryOut, reportIn } from "../../../rehearsal/run";
import { podSecurityRestricted } from "../../../review/policies/pod-security-restricted";
import { requestsAndLimits } from "../../../review/policies/requests-and-limits";
import { judge, resource } from "../policies/judge";
import { only, render } from "../render";
import type { Tree } from "../settings/stack";

const backup = {
  prefix: "s3://bucket/path",
  schedule: "15 2 * * *",
  credentials: { accessKeyId: "key-id", secretAccessKey: "very-secret" },
};

describe("the Job of a rehearsal", () => {
  let server: Server;
  let job: ReturnType<typeof rehearsalJob>;

  before(async () => {
    const placement = { namespace: "prod", spot: "avoid", priorityClassName: "production-database" };
    const upgrade = { id: "former", reindexCollations: true };
    const rendered = await render("prod", { backup, placement, upgrade });
    server = only(rendered, "kubernetes:apps/v1:StatefulSet").inputs as unknown as Server;
    const claim = only(rendered, "kubernetes:core/v1:PersistentVolumeClaim").inputs as unknown as Claim;
    job = rehearsalJob(server, claim, { id: "abc123", to: 19, image: "r.io/postgres:19-tested" });
  });

  const pod = () => job.spec.template.spec as unknown as Tree & { volumes: Tree[] };
  const [clone, upgrade] = [
    () => job.spec.template.spec.initContainers[0],
    () => job.spec.template.spec.containers[0],
  ];

  it("clones with the server's image, then upgrades with the next one, each in its own folder", () => {
    expect(majorOf(server)).to.equal(18);
    expect(clone()?.image).to.equal(server.spec.template.spec.containers[0]?.image);
    expect(clone()?.args).to.deep.equal(["upgrade.sh", "--clone-for-rehearsal"]);
    expect(clone()?.env).to.deep.include({ name: "PGDATA", value: "/var/lib/postgresql/18/docker" });
    expect(upgrade()).to.include({ image: "r.io/postgres:19-tested" });
    expect(upgrade()?.args).to.deep.equal(["upgrade.sh", "--rehearse"]);
    expect(upgrade()?.env).to.deep.include({ name: "PGDATA", value: "/var/lib/postgresql/19/docker" });
  });

  it("needs an archive outside of the server's volume", async () => {
    expect(hasArchive(server)).to.equal(true);
    const prefix = "file:///var/lib/postgresql/archive";
    for (const other of [undefined, { ...backup, prefix, credentials: undefined }]) {
      const rendered = await render("dev", { backup: other });
      const plain = only(rendered, "kubernetes:apps/v1:StatefulSet").inputs as unknown as Server;
      expect(hasArchive(plain)).to.equal(false);
    }
  });

  it("has a volume as large as the server's, of its class, that goes with the pod; never the server's own", () => {
    const data = pod().volumes.find(({ name }) => name === "data");
    expect(JSON.stringify(pod().volumes)).not.to.include("persistentVolumeClaim");
    expect(data)
      .to.have.nested.property("ephemeral.volumeClaimTemplate.spec")
      .that.deep.equals({
        accessModes: ["ReadWriteOnce"],
        storageClassName: "gp3-expandable",
        resources: { requests: { storage: "512000Mi" } },
      });
  });

  it("reads the archive as the server does, with its credentials as files, and has none of the stack's requests", () => {
    for (const container of [clone(), upgrade()]) {
      const names = container?.env.map(({ name }) => name) ?? [];
      expect(names).to.include.members(["WALG_S3_PREFIX", "AWS_SECRET_ACCESS_KEY_FILE"]);
      expect(names.filter((name) => /^(PG_UPGRADE|PG_REINDEX|RESTORE_|CLONE_)/.test(name))).to.deep.equal([]);
      expect(container?.volumeMounts).to.deep.equal(server.spec.template.spec.containers[0]?.volumeMounts);
    }
    expect(JSON.stringify(job)).not.to.include("very-secret");
  });

  it("is taken for the database by no Service and no affinity, and drives nobody away", () => {
    const labels = job.spec.template.metadata.labels;
    expect(labels)
      .to.include({ "app.kubernetes.io/component": "job" })
      .and.not.have.any.keys("postgres-stack/role");
    expect(pod()).not.to.have.any.keys("priorityClassName");
    expect(pod().affinity).to.have.any.keys("nodeAffinity").and.any.keys("podAntiAffinity");
  });

  it("is tried once, is removed by Kubernetes if nobody else does, and passes the policies", () => {
    expect(job.spec).to.include({ backoffLimit: 0, ttlSecondsAfterFinished: 600 });
    const rendered = [resource("kubernetes:batch/v1:Job", job as unknown as Tree)];
    expect(judge(podSecurityRestricted, rendered)).to.deep.equal([]);
    expect(judge(requestsAndLimits, rendered)).to.deep.equal([]);
  });
});

describe("the image of a rehearsal", () => {
  it("is the one that the upgrade would build", async () => {
    const baseImage = "r.io/postgres:19-bookworm";
    const before = { ...process.env };
    process.env.BASE_IMAGE_19 = baseImage;
    const build = await buildOf("prod", 19).finally(() => {
      process.env = before;
    });
    const image = {
      repository: "registry.example.com/data/postgres-stack",
      platform: "linux/amd64",
      baseImage,
    };
    const { outputs } = await render("prod", { postgres: { version: 19 }, image });
    expect(build.imageName).to.equal(`registry.example.com/data/postgres-stack:${outputs.tag}`);
    expect(build.args).to.include({ BASE_IMAGE: baseImage });
    expect(build.platform).to.equal("linux/amd64");
  });
});

describe("the report of a rehearsal", () => {
  it("is the Markdown in the container's log", () => {
    const log = [
      "2026-11-25 09:00:00 UTC INFO [upgrade] upgrading",
      "something that pg_upgrade prints",
      "## Rehearsal: PostgreSQL 18 to 19",
      "",
      "| step | seconds |",
      "2026-11-25 09:00:09 UTC INFO [upgrade] stopping",
      "|---|---|",
      "",
    ].join("\n");
    expect(reportIn(log)).to.equal("## Rehearsal: PostgreSQL 18 to 19\n\n| step | seconds |\n|---|---|");
    expect(reportIn("2026-11-25 09:00:00 UTC ERROR [upgrade] refused\n")).to.equal("");
  });
});

/** A kubectl for a cluster that preempts the rehearsal's pod as soon as somebody has seen it. */
const PREEMPTS = `#!/usr/bin/env bash
case " $* " in
  *" get pod "*)
    if [ -e "$0.seen" ]; then echo '{"items":[]}'; exit; fi
    touch "$0.seen"
    echo '{"items":[{"metadata":{"name":"a"},"status":{"phase":"Pending"}}]}'
    ;;
esac
`;

describe("a rehearsal", () => {
  const path = process.env.PATH;
  const folder = mkdtempSync(join(tmpdir(), "rehearsal-"));
  before(() => {
    writeFileSync(join(folder, "kubectl"), PREEMPTS);
    chmodSync(join(folder, "kubectl"), 0o755);
    process.env.PATH = `${folder}${delimiter}${path}`;
  });
  after(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });

  it("whose pod is preempted ends with that, and does not wait for a pod that nobody starts", async () => {
    const job = { metadata: { namespace: "shop", labels: { "postgres-stack/rehearsal": "a" } } };
    const problem = await carryOut(job as unknown as Parameters<typeof carryOut>[0]).catch(String);
    expect(problem).to.include("was preempted, evicted or deleted. The stack was not touched");
  });
});
