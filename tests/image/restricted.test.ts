import { expect } from "chai";
import { until } from "../../local/process";
import { Container, environment, newFolder, newVolume, runOnce } from "./docker";
import "./hooks";
import { needStore } from "./store";

/** As in a pod under the Pod Security level `restricted`. */
const RESTRICTED = [
  ...["--user", "999:999", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
  ...["--tmpfs", "/tmp", "--tmpfs", "/run/postgresql:uid=999,gid=999"],
  ...["--tmpfs", "/run/postgres-stack:uid=999,gid=999,mode=0700"],
];

describe("image: an unprivileged user and a read-only root", () => {
  it("boot, archive, back up and check settings", async () => {
    const database = await Container.ready([
      ...RESTRICTED,
      ...environment({ POSTGRES_PASSWORD: "secret", BACKUP_SCHEDULE: "external", VOLUME_OWNER: "stack/one" }),
      ...environment({ WALG_FILE_PREFIX: "/var/lib/postgresql/archive" }),
      ...["-v", `${await newVolume()}:/var/lib/postgresql`],
    ]);
    expect((await database.exec("id", "-u")).stdout).to.equal("999");
    expect((await database.exec("backup.sh")).code).to.equal(0);
    expect((await database.exec("check-settings.sh")).code).to.equal(0);
    expect((await database.exec("pre-stop.sh")).code).to.equal(0);
    expect(await database.sql("SELECT failed_count FROM pg_stat_archiver")).to.equal("0");
    expect(await database.logs()).not.to.contain("WARN");
    await database.stop();
    await database.start();
    await database.becomesReady();
    await database.remove();
  });

  it("are told when cron was asked for, which needs root", async () => {
    const database = await Container.ready([
      ...RESTRICTED,
      ...environment({
        POSTGRES_PASSWORD: "secret",
        BACKUP_SCHEDULE: "0 0 * * *",
        WALG_FILE_PREFIX: "/tmp/archive",
      }),
      ...["-v", `${await newVolume()}:/var/lib/postgresql`],
    ]);
    expect(await database.logs()).to.contain(
      "the container was not started as root): base backups are not scheduled",
    );
    await database.remove();
  });
});

describe("image: an S3 store", () => {
  const { S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
  const prefix = `s3://${S3_BUCKET}/image-test-${process.pid}-${Date.now()}`;
  const keys = newFolder({ id: S3_ACCESS_KEY_ID, secret: S3_SECRET_ACCESS_KEY, wrong: "not-the-secret" });
  const store = (secret: string) => [
    ...environment({ POSTGRES_PASSWORD: "secret", BACKUP_SCHEDULE: "external", WALG_S3_PREFIX: prefix }),
    ...environment({
      AWS_ENDPOINT: S3_ENDPOINT ?? "",
      AWS_REGION: "us-east-1",
      AWS_S3_FORCE_PATH_STYLE: "true",
    }),
    ...environment({ AWS_ACCESS_KEY_ID_FILE: "/keys/id", AWS_SECRET_ACCESS_KEY_FILE: `/keys/${secret}` }),
    ...["-v", `${keys}:/keys`],
  ];

  before(function () {
    needStore(this);
  });

  it("takes segments and base backups; a new database above it is refused, as are wrong credentials", async () => {
    const database = await Container.ready(store("secret"));
    await database.sql("SELECT pg_switch_wal()");
    await until("a segment is archived", async () => {
      return (await database.sql("SELECT archived_count > 0 FROM pg_stat_archiver")) === "t";
    });
    const { code, stderr } = await database.exec("backup.sh");
    expect(code, stderr).to.equal(0);
    await database.remove();

    const above = await runOnce(store("secret"));
    expect(above.code).to.equal(1);
    expect(above.stderr).to.contain(`the archive ${prefix}/18 already holds data (basebackups_005/`);

    const stranger = await runOnce(store("wrong"));
    expect(stranger.code).to.equal(1);
    expect(stranger.stderr).to.contain("so it is not known to be empty").and.not.to.contain("not-the-secret");
  });
});
