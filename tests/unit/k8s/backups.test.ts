import { expect } from "chai";
import type { RenderedResource } from "../../../render/record";
import { only, render } from "../render";
import { type Any, backup, PGP_KEY, STATEFUL_SET, template } from "./template";

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

  it("that were skipped are neither complete nor tried again; those that failed are, and a lost node is no try", async () => {
    const rendered = await render("prod", { backup });
    const cron = only(rendered, "kubernetes:batch/v1:CronJob").inputs.spec as Any;
    const first = only(rendered, "kubernetes:batch/v1:Job", "postgres-first-backup").inputs.spec as Any;
    for (const { template, backoffLimit, podFailurePolicy } of [cron.jobTemplate.spec, first]) {
      const [lost, skipped, ...others] = podFailurePolicy.rules;
      expect(lost).to.deep.include({
        action: "Ignore",
        onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
      });
      expect(skipped.action).to.equal("FailJob");
      expect(skipped.onExitCodes).to.deep.equal({ containerName: "backup", operator: "In", values: [3] });
      expect(template.spec.containers[0].name).to.equal("backup");
      expect(others).to.deep.equal([]);
      expect(template.spec.restartPolicy).to.equal("Never"); // the API server demands it beside such a policy
      expect(backoffLimit).to.equal(2);
    }
  });

  it("of another database are not met by a restart: the archive is asked first, without the claim, whenever the prefix changes", async () => {
    const check = async (prefix: string) =>
      only(
        await render("prod", { backup: { ...backup, prefix } }),
        "kubernetes:batch/v1:Job",
        "postgres-archive-check",
      );
    const [one, other] = [await check("s3://bucket/one"), await check("s3://bucket/other")];
    expect(template(one)).not.to.deep.equal(template(other));
    const { containers, volumes, serviceAccountName } = template(one).spec;
    expect(containers[0].args).to.deep.equal(["check-archive.sh"]);
    expect(containers[0].env).to.deep.include.members([
      { name: "WALG_S3_PREFIX", value: "s3://bucket/one" },
      { name: "PGHOST", value: "postgres.postgres-prod.svc" },
      { name: "VOLUME_OWNER", value: "postgres-stack/prod/postgres-prod/postgres" },
    ]);
    expect(JSON.stringify(volumes)).not.to.include("persistentVolumeClaim");
    expect(serviceAccountName, "for a store that knows the pod by it").to.equal("postgres");
    const restored = { backup, restore: { id: "monday", to: "latest" } }; // brings another system along
    const asked = only(await render("prod", restored), "kubernetes:batch/v1:Job", "postgres-archive-check");
    expect(template(asked).spec.containers[0].env).to.deep.include({ name: "RESTORE_ID", value: "monday" });
    const conf = only(await render("prod", { backup }), "kubernetes:core/v1:ConfigMap", "postgres-conf");
    expect(conf.options.dependsOn).to.include("kubernetes:batch/v1:Job::postgres-archive-check");
  });

  it("of a disposable stack go to a folder of that life, so that the next one overwrites nothing", async () => {
    const { outputs, resources } = await render("dev", { backup });
    expect(outputs.backupPrefix).to.match(/^s3:\/\/bucket\/path\/[0-9a-f]{8}\/18$/);
    expect(resources.map(({ name }) => name)).not.to.include("postgres-archive-check"); // nobody else can have it
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

  it("has its key in a Secret of its own, mounted as files by the server and by base backups, in plaintext nowhere", async () => {
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
