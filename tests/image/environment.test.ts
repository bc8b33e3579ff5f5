import { expect } from "chai";
import { environment, newFolder, runOnce } from "./docker";
import "./hooks";

/** Runs a bash script that has the entrypoint's functions, as the user postgres. */
const sourced = (script: string, options: string[] = []) =>
  runOnce(["-u", "postgres", ...options], ["bash", "-c", `. /usr/local/bin/entrypoint.sh; ${script}`]);

describe("image: a bad environment", () => {
  it("lists everything that is wrong at once, and no secret's value", async () => {
    const files = newFolder({ password: "file-secret", empty: "", lines: "first-secret\nsecond-secret" });
    const { code, stderr } = await runOnce([
      "-v",
      `${files}:/files:ro`,
      ...environment({
        POSTGRES_PASSWORD: "value-secret",
        POSTGRES_PASSWORD_FILE: "/files/password",
        POSTGRES_USER: "pg_reserved",
        APP_USER: "a".repeat(64),
        APP_PASSWORD_FILE: "/files/missing",
        AWS_SECRET_ACCESS_KEY_FILE: "/files/empty",
        AWS_ACCESS_KEY_ID_FILE: "/files/lines",
        WALG_S3_PREFIX: "http://bucket",
        BACKUP_SCHEDULE: "61 * * * *",
        BACKUP_RETAIN: "0",
        ARCHIVE_TIMEOUT: "soon",
        ARCHIVE_DEADLINE: "-1",
        LOG_LEVEL: "loud",
        PROBE_STALL_SECONDS: "1h",
        RESTORE_STALL_SECONDS: "0",
        PGDATA: "/data",
        POSTGRES_HOST_AUTH_METHOD: "trust",
      }),
    ]);
    expect(code).to.equal(1);
    for (const name of [
      "POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE",
      "POSTGRES_USER:",
      "APP_USER:",
      "APP_PASSWORD_FILE:",
      "AWS_SECRET_ACCESS_KEY_FILE:",
      "AWS_ACCESS_KEY_ID:",
      "WALG_S3_PREFIX:",
      "BACKUP_SCHEDULE:",
      "BACKUP_RETAIN:",
      "ARCHIVE_TIMEOUT:",
      "ARCHIVE_DEADLINE:",
      "LOG_LEVEL:",
      "PROBE_STALL_SECONDS:",
      "RESTORE_STALL_SECONDS:",
      "PGDATA:",
      "POSTGRES_HOST_AUTH_METHOD:",
    ]) {
      expect(stderr).to.contain(name);
    }
    expect(stderr).to.contain("nothing was touched").and.not.to.contain("-secret");
  });

  it("needs a password for the first start", async () => {
    expect((await runOnce([])).stderr).to.contain("POSTGRES_PASSWORD: needed");
  });

  it("needs a schedule with a prefix", async () => {
    const { stderr } = await runOnce(environment({ POSTGRES_PASSWORD: "x", WALG_FILE_PREFIX: "/backups" }));
    expect(stderr).to.contain("BACKUP_SCHEDULE: needed with WALG_FILE_PREFIX");
  });
});

describe("image: schedules", () => {
  const good = [
    "30 2 * * *",
    "*/15 0-6,22 1,15 jan-mar mon-fri",
    "0 0 31 12 7",
    "59 23 * Feb SUN",
    "5-50/5 * * * *",
  ];
  const bad = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
  ];
  const worse = [
    "5/10 * * * *",
    "*/0 * * * *",
    "9-1 * * * *",
    "1, * * * *",
    "@daily",
    "* * * * L",
    "* * * * * rm -rf",
  ];

  it("accepts exactly what cron accepts of five fields", async () => {
    const all = [...good, ...bad, ...worse];
    const script = `. /usr/local/bin/entrypoint.sh; for s in "$@"; do is_cron_schedule "$s" && echo yes || echo no; done`;
    const ours = await runOnce(["-u", "postgres"], ["bash", "-c", script, "-", ...all]);
    expect(ours.stdout.split("\n")).to.eql(all.map((schedule) => (good.includes(schedule) ? "yes" : "no")));
    const cron = `for s in "$@"; do crontab -n - <<<"$s true" >/dev/null 2>&1 && echo yes || echo no; done`;
    const theirs = await runOnce([], ["bash", "-c", cron, "-", ...good]);
    expect(theirs.stdout.split("\n")).to.eql(good.map(() => "yes"));
  });
});

describe("image: where WAL-G stores", () => {
  const load = "BACKUP_SCHEDULE=external; read_environment; warn_of_several_prefixes; mkdir -p /tmp/run";

  it("takes the first prefix of S3, GS, AZ and FILE, warns of others, and appends the major version", async () => {
    const { stdout, stderr } = await sourced(
      `${load}; write_walg_env; unset WALG_S3_PREFIX; load_walg_env; env | grep _PREFIX`,
      environment({
        WALG_FILE_PREFIX: "/backups",
        WALG_AZ_PREFIX: "azure://box",
        WALG_GS_PREFIX: "gs://bucket/a//",
      }),
    );
    expect(stdout).to.equal("WALG_GS_PREFIX=gs://bucket/a/18");
    expect(stderr).to.contain(
      "several prefixes are set: WALG_GS_PREFIX is used, WALG_AZ_PREFIX WALG_FILE_PREFIX ignored",
    );
  });

  it("keeps every character of a credential", async () => {
    const hostile = 'it\'s "quoted" $HOME `id` \\n é * #';
    const { stdout } = await sourced(
      `${load}; write_walg_env; unset AWS_SECRET_ACCESS_KEY; load_walg_env; printenv AWS_SECRET_ACCESS_KEY; stat -c %a "$WALG_ENV"`,
      environment({ WALG_S3_PREFIX: "s3://bucket", AWS_SECRET_ACCESS_KEY: hostile }),
    );
    expect(stdout.split("\n")).to.eql([hostile, "600"]);
  });

  it("reads a credential's file anew at each use, and fails without it", async () => {
    const { stdout, stderr } = await sourced(
      `printf old >/tmp/key; ${load}; write_walg_env; load_walg_env; echo "$AWS_SECRET_ACCESS_KEY"; printf 'n e"w' >/tmp/key
       load_walg_env; echo "$AWS_SECRET_ACCESS_KEY"; rm /tmp/key; load_walg_env || echo failed; grep -c -e old -e 'n e' "$WALG_ENV"`,
      environment({ WALG_S3_PREFIX: "s3://bucket", AWS_SECRET_ACCESS_KEY_FILE: "/tmp/key" }),
    );
    expect(stdout.split("\n"), stderr).to.eql(["old", 'n e"w', "failed", "0"]);
  });

  it("keeps secrets out of what it logs of WAL-G", async () => {
    const { stdout } = await sourced(
      'read_environment; redact "GET https://box/?sig=to/ken&x"',
      environment({ AZURE_STORAGE_SAS_TOKEN: "sig=to/ken" }),
    );
    expect(stdout).to.equal("GET https://box/?***&x");
  });
});
