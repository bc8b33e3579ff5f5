import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { backupRetention } from "../../../review/policies/backup-retention";
import { backupsOn } from "../../../review/policies/backups-on";
import { claimProtected } from "../../../review/policies/claim-protected";
import { ownBackupPrefix } from "../../../review/policies/own-backup-prefix";
import { type Resource, UNKNOWN } from "../../../review/policies/policy";
import { DATABASE, DISPOSABLE, env, examples, judge, resource, workload } from "./judge";

const claim = (labels: object, protect: boolean) =>
  resource("kubernetes:core/v1:PersistentVolumeClaim", { metadata: { labels } }, protect);
const server = (prefix: unknown, labels: object = {}) =>
  workload("StatefulSet", {
    container: { env: env(prefix === undefined ? {} : { WALG_S3_PREFIX: prefix }) },
    metadata: { namespace: "a", labels: { ...DATABASE, ...labels } },
  });
const schedule = (values: object = {}, labels: object = {}, namespace: unknown = "a") =>
  workload("CronJob", {
    container: { env: env({ WALG_S3_PREFIX: "s3://b/p", BACKUP_RETAIN: "7", ...values }) },
    metadata: { namespace, labels: { ...DATABASE, "app.kubernetes.io/component": "backup", ...labels } },
  });
const suspended = (it: Resource): Resource => ({
  ...it,
  props: { ...it.props, spec: { ...(it.props.spec as object), suspend: true } },
});

describe("policies about the data", () => {
  examples(
    claimProtected,
    {
      "a protected claim": [claim(DATABASE, true)],
      "an unprotected one of a disposable stack": [claim({ ...DATABASE, ...DISPOSABLE }, false)],
      "a claim that is no database's": [claim({}, false)],
    },
    { "an unprotected claim": [[claim(DATABASE, false)], /not protected.*protect: true/] },
  );

  it("claim-protected can be told that no claim may go, and which claims are meant", () => {
    const disposable = claim({ ...DATABASE, ...DISPOSABLE }, false);
    expect(judge(claimProtected, [disposable], { allowDisposable: false })).to.have.length(1);
    expect(judge(claimProtected, [claim({}, false)], { labels: {} })).to.have.length(1);
  });

  examples(
    backupsOn,
    {
      "a database with an archive and a schedule": [server("s3://b/p"), schedule()],
      "an archive whose place is not known yet": [server(UNKNOWN), schedule({}, {}, UNKNOWN)],
      "none in a disposable stack": [server(undefined, DISPOSABLE)],
      "a StatefulSet that is no database": [workload("StatefulSet")],
    },
    {
      "a database without either": [[server(undefined)], /archives nothing .* and has no CronJob/],
      "an archive without base backups": [[server("s3://b/p")], /^has no CronJob/],
      "another instance's schedule": [
        [server("s3://b/p"), schedule({}, { "app.kubernetes.io/instance": "billing" })],
        /^has no CronJob/,
      ],
      "another namespace's schedule": [[server("s3://b/p"), schedule({}, {}, "b")], /^has no CronJob/],
      "a suspended schedule": [[server("s3://b/p"), suspended(schedule())], /^has no CronJob/],
    },
  );

  examples(
    backupRetention,
    {
      "seven full backups": [schedule()],
      "two of a disposable stack": [schedule({ BACKUP_RETAIN: "2" }, DISPOSABLE)],
      "a CronJob that keeps none": [workload("CronJob")],
    },
    { "six full backups": [[schedule({ BACKUP_RETAIN: "6" })], /keeps 6 full backups .* 7 is the minimum/] },
  );

  it("backup-retention takes a house's own number", () => {
    expect(judge(backupRetention, [schedule()], { least: 30 })).to.have.length(1);
  });
});

describe("own-backup-prefix", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-policy-"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: project\n");
    file("prod", "s3://b/prod"); // the stack's own
    file("other", "s3://b/other/");
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (stack: string, prefix: string, key = "backup") =>
    writeFileSync(
      join(folder, `Pulumi.${stack}.yaml`),
      `config: {"project:${key}": {prefix: "${prefix}"}}\n`,
    );
  const said = (resources: Resource[], config = {}) =>
    judge(ownBackupPrefix, resources, { folder, ...config });

  it("accepts a prefix that no other stack's file has, its own file's too", () => {
    expect(said([server("s3://b/prod")])).to.deep.equal([]);
    expect(said([server(UNKNOWN)])).to.deep.equal([]);
  });

  it("refuses another stack's prefix, and names its file", () => {
    expect(said([server("s3://b/other")])).to.deep.equal([
      "archives to s3://b/other, which is the prefix in Pulumi.other.yaml.",
    ]);
  });

  it("refuses a prefix within another's folder of a major", () => {
    expect(said([server("s3://b/other/18")])).to.have.length(1);
    expect(said([server("s3://b/other/team")])).to.deep.equal([]);
  });

  it("refuses two databases of one program on one prefix", () => {
    const second = { ...server("s3://b/prod/"), name: "billing" };
    expect(said([server("s3://b/prod"), second])).to.deep.equal([
      "archives to s3://b/prod/, as orders does.",
    ]);
  });

  it("reads the prefix where another program keeps it", () => {
    file("other", "s3://b/elsewhere", "store");
    expect(said([server("s3://b/elsewhere")])).to.deep.equal([]);
    expect(said([server("s3://b/elsewhere")], { key: "store.prefix" })).to.have.length(1);
  });

  it("does not take files that it can't find for proof, unless it is told not to look", () => {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: another\n");
    expect(said([server("s3://b/prod")])[0]).to.match(/files of project's stacks were not found/);
    expect(said([server("s3://b/prod")], { stackFiles: false })).to.deep.equal([]);
  });
});
