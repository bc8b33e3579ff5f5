import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

const LIB = join(__dirname, "../../../docker-context/scripts/lib");

/** What Bash prints that has loaded these files of lib/. */
function bash(files: readonly string[], script: string, ...args: string[]) {
  const load = files.map((file) => `. ${LIB}/${file}.sh`).join("; ");
  const words = ["-c", `set -Eeuo pipefail; ${load}\n${script}`, "bash", ...args];
  const { status, stdout, stderr } = spawnSync("bash", words, { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("an object of ours in the archive", () => {
  const object = (...fields: string[]) =>
    bash(
      ["archive/objects"],
      'RUN=/tmp; not_known() { echo "$1" >&2; exit 1; }; json_object "$@"',
      ...fields,
    );

  it("is JSON on one line, whatever its texts hold", () => {
    const texts = [
      "",
      'a"b\\c',
      "one\ntwo\r\n\ttabs",
      "\u0001\u001f\u007f",
      "naïve ✓ 漢字",
      "$(id) `id` &\\n",
      "'",
    ];
    for (const text of texts) {
      const { stdout, stderr } = object(
        `text=${text}`,
        "at:=-1",
        'list:=["a","b"]',
        "none:=[]",
        "other=x=y:=z",
      );
      expect(stdout.split("\n"), stderr).to.have.length(2);
      const expected = { text, at: -1, list: ["a", "b"], none: [], other: "x=y:=z" };
      expect(JSON.parse(stdout)).to.deep.equal(expected);
    }
  });

  it("is none where a number or a list is something else", () => {
    for (const value of ["", "x", "1.5", "01", "[1]", '["a"', '["a",]', '["a\\"]', "true", "{}"]) {
      expect(object(`at:=${value}`).status, value).to.equal(1);
    }
  });
});

describe("a line of the log", () => {
  const lines = (level: string) =>
    bash(["common/log"], `COMPONENT=x LOG_LEVEL='${level}'; debug d; info i; warn w; error e`)
      .stderr.split("\n")
      .map((line) => line.slice(-1))
      .join("");

  it("is written from LOG_LEVEL on, from info on where that is none", () => {
    expect(lines("debug")).to.equal("diwe");
    for (const level of ["info", "", "verbose"]) expect(lines(level), level).to.equal("iwe");
    expect(lines("warn")).to.equal("we");
    expect(lines("error")).to.equal("e");
  });
});

describe("what WAL-G says", () => {
  const error = (code: number, output: string) =>
    bash(
      ["common/attempt", "common/environment", "archive/walg"],
      'WALG_OUTPUT="$1"; AWS_SECRET_ACCESS_KEY=sec/ret; read_walg_error "$2"; printf %s "$WALG_ERROR"',
      output,
      String(code),
    ).stdout;

  it("is its last error or panic, else its last line, without secrets", () => {
    const time = "2026/11/27 10:00:00.123456";
    const last = `ERROR: ${time} second with sec/ret in it`;
    expect(error(1, `INFO: ${time} x\nERROR: ${time} first\n${last}\nusage`)).to.equal(
      "wal-g exit 1: second with *** in it",
    );
    expect(error(2, `ERROR: ${time} first\npanic: nil\n\ngoroutine 1`)).to.equal("wal-g exit 2: panic: nil");
    expect(error(137, "one\ntwo")).to.equal("wal-g exit 137: two");
    expect(error(0, "")).to.equal("wal-g exit 0: ");
  });
});

describe("a secret's file", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "secret-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** The value that the file gives, and what is refused. */
  function read(content: string) {
    writeFileSync(join(folder, "a secret"), content);
    const script = `S_FILE="$1/a secret"; read_secret S; printf '%s|%s' "\${S-}" "\${ENVIRONMENT_ERRORS[*]-}"`;
    const [value, refused = ""] = bash(["common/environment"], script, folder).stdout.split("|");
    return { value, refused: refused.replace(/.*(value 0|nothing but|has a [a-z ]+|is empty).*/, "$1") };
  }

  it("is read without its line end, also one of Windows", () => {
    for (const end of ["", "\n", "\r\n", "\n\n"])
      expect(read(`pass word${end}`)).to.deep.equal({ value: "pass word", refused: "" });
    expect(read("naïve\\n'\"$x\n").value).to.equal("naïve\\n'\"$x");
  });

  it("is refused with bytes of value 0, and where it holds no line, or two", () => {
    for (const content of ["a\0b\n", "\0", "ab\0", "a\0\n"])
      expect(read(content).refused, content).to.equal("value 0");
    expect(read("").refused).to.equal("is empty");
    for (const content of ["\n", "\r\n", "\n\n"]) expect(read(content).refused).to.equal("nothing but");
    expect(read("a\nb").refused).to.equal("has a line break");
  });

  it("is read again at each use, whatever its path", () => {
    writeFileSync(join(folder, "a & b's"), "one\r\n");
    const script = `AWS_SECRET_ACCESS_KEY_FILE="$1/a & b's"; store_environment '' >"$1/env"
      echo two >"$1/a & b's"; load() { . "$1/env"; }; load "$1"; printf '%s %s' "$AWS_SECRET_ACCESS_KEY" "\${AWS_SECRET_ACCESS_KEY_FILE-unset}"
      : >"$1/a & b's"; load "$1" || echo ' refused'`;
    const { stdout, stderr } = bash(["common/attempt", "common/environment", "archive/walg"], script, folder);
    expect(stdout, stderr).to.equal("two unset refused\n");
  });
});

describe("the first byte of a stream", () => {
  const found = (make: string) => bash(["backup/proof"], `${make} | has_byte`).stdout !== "";

  it("counts whatever it is, and nothing does not", () => {
    for (const byte of ["\\0", "\\n", "a", "\\377", " ", "\\0abc"])
      expect(found(`printf '${byte}'`), byte).to.equal(true);
    expect(found("printf ''")).to.equal(false);
  });
});
