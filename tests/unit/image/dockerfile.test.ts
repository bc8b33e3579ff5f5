import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

const text = readFileSync(join(__dirname, "../../../docker-context/Dockerfile"), "utf8");
/** Instructions, each in one line. */
const instructions = text
  .replace(/^#.*\n/gm, "")
  .replace(/\\\n\s*/g, "")
  .split("\n")
  .filter(Boolean);
const of = (word: string) =>
  instructions.filter((it) => it.startsWith(`${word} `)).map((it) => it.slice(word.length + 1));

/** Programs of the base image: what is fetched is what STORE holds, and nothing outside of the folder is touched. */
const STUBS = `
apt-get() { echo "apt-get $*"; }
dpkg() { echo amd64; }
rm() { :; }
wal-g() { :; }
curl() {
  local url="\${*: -1}" file=''
  while (($# > 0)); do if [ "$1" = -o ]; then file="$2"; fi; shift; done
  [ -s "$STORE" ] || return 22
  echo "curl $url"
  cp "$STORE" "$file"
}
install() { cp "\${@: -2:1}" "$INSTALLED"; }
`;

/** Runs the step that installs packages and WAL-G, with what the store holds. */
function install(stored: string, variables: Record<string, string>, name = "asset") {
  const folder = mkdtempSync(join(tmpdir(), "dockerfile-"));
  try {
    const [store, installed] = [join(folder, "store"), join(folder, "installed")];
    writeFileSync(join(folder, name), stored);
    if (name === "asset") writeFileSync(store, stored);
    else spawnSync("tar", ["-czf", store, "-C", folder, name]);
    const sha256 = createHash("sha256").update(readFileSync(store)).digest("hex");
    mkdirSync(join(folder, "work"));
    const step = (of("RUN")[0] ?? "").replaceAll("/tmp/wal-g", join(folder, "work", "wal-g"));
    const { status, stdout, stderr } = spawnSync("bash", ["-Eeuo", "pipefail", "-c", STUBS + step], {
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        STORE: store,
        INSTALLED: installed,
        WALG_URL: "",
        WALG_SHA256: "",
        ...variables,
        ...(variables.WALG_SHA256 === "right" ? { WALG_SHA256: sha256 } : {}),
      },
    });
    const content = existsSync(installed) ? readFileSync(installed, "utf8") : undefined;
    return { status, stdout, stderr, installed: content };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const MIRROR = { WALG_URL: "https://mirror.example/wal-g", WALG_SHA256: "right" };

describe("the Dockerfile", () => {
  it("has one stage, on the official image of Debian, by its digest", () => {
    expect(of("FROM")).to.deep.equal([`\${BASE_IMAGE}`]);
    expect(of("ARG")[0]).to.match(/^BASE_IMAGE=postgres:18-bookworm@sha256:[0-9a-f]{64}$/);
  });

  it("copies scripts and config, and makes the folder for settings", () => {
    expect(of("COPY")).to.deep.equal(["config/ /etc/postgresql/", "scripts/ /usr/local/bin/"]);
    expect(of("RUN")[1]).to.match(/install -d .*\/etc\/postgresql\/conf\.d;/);
  });

  it("adds cron, certificates and tini; curl goes again, and the lists of packages", () => {
    const { status, stdout, stderr } = install("a wal-g", MIRROR);
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/apt-get install -y --no-install-recommends ca-certificates cron curl tini\n/);
    expect(stdout).to.match(/apt-get purge -y --auto-remove curl\n/);
    expect(of("RUN")[0]).to.contain("rm -rf /var/lib/apt/lists/*");
  });

  it("takes WAL-G by a release and its checksum", () => {
    const { status, stderr, installed } = install("another wal-g", {});
    expect(status, stderr).not.to.equal(0);
    expect(installed).to.equal(undefined);
    expect(of("RUN")[0]).to.contain("/releases/download/v3.0.8/");
  });

  it("takes another WAL-G, as a binary or in a tarball, with the checksum that comes with it", () => {
    for (const name of ["asset", "wal-g-pg-ubuntu-20.04-amd64"]) {
      const { status, stdout, stderr, installed } = install("a wal-g", MIRROR, name);
      expect(status, stderr).to.equal(0);
      expect(stdout).to.contain(`curl ${MIRROR.WALG_URL}\n`);
      expect(installed).to.equal("a wal-g");
    }
  });

  it("fails where WAL-G can't be fetched, is another file, or has no checksum", () => {
    for (const [stored, variables] of [
      ["", MIRROR],
      ["a wal-g", { ...MIRROR, WALG_SHA256: "0".repeat(64) }],
      ["a wal-g", { ...MIRROR, WALG_SHA256: "" }],
    ] as const) {
      const { status, installed } = install(stored, variables);
      expect(status).not.to.equal(0);
      expect(installed).to.equal(undefined);
    }
  });
});
