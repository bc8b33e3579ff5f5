import { expect } from "chai";
import { environment, newFolder, runOnce } from "./docker";
import "./hooks";

/** Runs a bash script with the entrypoint's functions, as the user postgres. */
const sourced = (script: string, options: string[] = []) =>
  runOnce(["-u", "postgres", ...options], ["bash", "-c", `. /usr/local/bin/entrypoint.sh; ${script}`]);

describe("image: a bad environment", () => {
  it("lists everything that is wrong at once, and no secret's value", async () => {
    const files = newFolder({
      password: "file-secret",
      empty: "",
      lines: "first-secret\nsecond-secret",
      // as PowerShell's > writes, as Notepad saved, with a carriage return inside
      utf16: "\ufeffs\0-\0s\0e\0c\0",
      mark: "\ufeffmarked-secret",
      carriage: "carriage\r-secret\r\n",
    });
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
        AWS_SESSION_TOKEN_FILE: "/files/utf16",
        AZURE_STORAGE_ACCESS_KEY_FILE: "/files/mark",
        AZURE_STORAGE_SAS_TOKEN_FILE: "/files/carriage",
        APP_DATABASE: "value-with-a-return\r",
        WALG_S3_PREFIX: "http://bucket",
        BACKUP_SCHEDULE: "61 * * * *",
        BACKUP_RETAIN: "0",
        BACKUP_STALL_SECONDS: "0",
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
      "AWS_SESSION_TOKEN_FILE: /files/utf16 holds bytes of value 0",
      "AZURE_STORAGE_ACCESS_KEY: the value begins with a byte order mark",
      "AZURE_STORAGE_SAS_TOKEN: the value has a carriage return",
      "APP_DATABASE: the value has a carriage return",
      "WALG_S3_PREFIX:",
      "BACKUP_SCHEDULE:",
      "BACKUP_RETAIN:",
      "BACKUP_STALL_SECONDS:",
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

  it("refuses a prefix that stores read differently, wherever one is given; dots in names are none of that", async () => {
    const odd = ["s3://b/../x", "s3://b/x/..", "s3://b/./x", "s3://b/%2E%2e/x", "s3://b/x?y", "s3://b/x#y"];
    const even = ["s3://b.c/..a/.b/v1.2", "s3://b//x"];
    const { stdout, stderr } = await sourced(
      `${load}; declare -A REQUEST
       for p in "$@"; do
         ENVIRONMENT_ERRORS=() PROBLEM=fine WALG_S3_PREFIX="$p"; check_prefix WALG_S3_PREFIX
         REQUEST=([id]=one [to]=latest [from]="$p/18" [backup]='' [timeline]='' [keep_old]=true); check_request || true
         echo "$p|\${ENVIRONMENT_ERRORS[*]}|$PROBLEM"
       done`.replace('"$@"', [...odd, ...even].map((prefix) => `'${prefix}'`).join(" ")),
      environment({ WALG_S3_PREFIX: "s3://b" }),
    );
    const lines = stdout.split("\n").map((line) => line.split("|"));
    expect(
      lines.map(([prefix]) => prefix),
      stderr,
    ).to.eql([...odd, ...even]);
    for (const [prefix = "", ...problems] of lines.slice(0, odd.length)) {
      const why = "has '.', '..', '?', '#' or a control character in it, which stores read differently";
      expect(problems).to.eql([`WALG_S3_PREFIX: '${prefix}' ${why}`, `the source '${prefix}/18' ${why}`]);
    }
    expect(lines.slice(odd.length).map(([, ...problems]) => problems)).to.eql([
      ["", "fine"],
      ["", "fine"],
    ]);
  });

  it("keeps every character of a credential", async () => {
    const hostile = 'it\'s "quoted" $HOME `id` \\n é * #';
    const { stdout } = await sourced(
      `${load}; write_walg_env; unset AWS_SECRET_ACCESS_KEY; load_walg_env; printenv AWS_SECRET_ACCESS_KEY; stat -c %a "$WALG_ENV"`,
      environment({ WALG_S3_PREFIX: "s3://bucket", AWS_SECRET_ACCESS_KEY: hostile }),
    );
    expect(stdout.split("\n")).to.eql([hostile, "600"]);
  });

  it("keeps what reaches a store beside WAL-G's own variables, also for cron, which has no environment", async () => {
    const reach = {
      HTTPS_PROXY: "http://user:it's@proxy:3128",
      https_proxy: "http://proxy:3128",
      HTTP_PROXY: "http://proxy:3129",
      NO_PROXY: "10.0.0.0/8,.svc",
      SSL_CERT_FILE: "/etc/ssl/own.pem",
      SSL_CERT_DIR: "/etc/ssl/own",
      AWS_CA_BUNDLE: "/etc/ssl/bundle.pem",
      S3_STORAGE_CLASS: "STANDARD_IA",
      GCS_MAX_RETRIES: "9",
      GODEBUG: "netdns=go",
    };
    for (const store of ["WALG_S3_PREFIX", "CLONE_FROM"]) {
      const { stdout } = await sourced(
        `${load}; write_walg_env; for file in "$WALG_ENV" "$CLONE_ENV"; do
         [ ! -e "$file" ] || env -i bash -c '. "$0"; for n in "$@"; do printenv "$n"; done' "$file" ${Object.keys(reach).join(" ")}; done`,
        environment({ [store]: "s3://bucket", ...reach, OTHER: "left out" }),
      );
      expect(stdout.split("\n")).to.eql(Object.values(reach));
    }
  });

  it("reads a credential's file anew at each use, and fails without it", async () => {
    const { stdout, stderr } = await sourced(
      `printf old >/tmp/key; ${load}; write_walg_env; load_walg_env; echo "$AWS_SECRET_ACCESS_KEY"; printf 'n e"w\\r\\n' >/tmp/key
       load_walg_env; echo "$AWS_SECRET_ACCESS_KEY"; rm /tmp/key; load_walg_env || echo failed; grep -c -e old -e 'n e' "$WALG_ENV"`,
      environment({ WALG_S3_PREFIX: "s3://bucket", AWS_SECRET_ACCESS_KEY_FILE: "/tmp/key" }),
    );
    expect(stdout.split("\n"), stderr).to.eql(["old", 'n e"w', "failed", "0"]);
  });

  it("keeps secrets out of what it logs of WAL-G", async () => {
    const { stdout } = await sourced(
      'read_environment; line="GET https://box/?sig=to/ken&x"; redact line; printf %s "$line"',
      environment({ AZURE_STORAGE_SAS_TOKEN: "sig=to/ken" }),
    );
    expect(stdout).to.equal("GET https://box/?***&x");
  });
});
