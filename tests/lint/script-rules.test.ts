import { expect } from "chai";
import { unsaid, variablesOf } from "./globals";
import { withLinters } from "./linters";
import { Loads } from "./loads";
import { jsonPatterns, substitutions } from "./reads";
import { parse } from "./shell";
import { Functions } from "./writes";

describe("the rules for scripts", () => {
  withLinters();

  /** What the first rule finds in a file of lib/. */
  const suppressed = (...text: string[]) =>
    new Functions([parse("lib/x", text.join("\n"))]).suppressed().map(({ what }) => what.split(" ")[0]);
  const WRITES = 'writes() { rm -f "$PGDATA/x"; sync "$PGDATA"; }';

  it("know every place where `set -e` is off", () => {
    for (const text of [
      "writes || true",
      "writes && true",
      "if writes; then :; fi",
      "if false; then :; elif writes; then :; fi",
      "while ! writes; do :; done",
      "until writes; do :; done",
      "! writes",
      'if ! x="$(writes)"; then :; fi',
      "{ true; writes; } || true",
      "(writes) || true",
      "true | writes || true",
      "f() { writes || return; }",
    ]) {
      expect(suppressed(WRITES, text), text).to.deep.equal(["writes"]);
    }
  });

  it("leave alone where it is on", () => {
    for (const text of [
      "writes",
      "true && writes",
      "if true; then writes; fi",
      "while true; do writes; done",
    ]) {
      expect(suppressed(WRITES, text), text).to.deep.equal([]);
    }
  });

  it("know what writes, also by another function or as its command", () => {
    for (const text of [
      "f() { :; writes; }",
      `f() { :; runs 3 writes; }; runs() { : "$1"; "\${@:2}"; }`,
      'f() { :; echo x >"$1"; }',
      'f() { :; cp a "$VOLUME/b"; }',
      "f() { :; tar -xf archive; }",
      "f() { :; find . -name x -delete; }",
      "f() { :; wal-g st put a b; }",
      `f() { :; within 9 wal-push a; }; within() { setpriv wal-g "\${@:2}"; }`,
      'f() { :; ask -c "ALTER SYSTEM RESET ALL"; }; ask() { psql -X "$@"; }',
      "f() { :; psql <<SQL\nSELECT 1; DROP TABLE x\nSQL\n}",
    ]) {
      expect(suppressed(WRITES, text, "f /var/lib/x || true"), text).to.deep.equal(["f"]);
    }
    expect(suppressed(WRITES, 'runs() { "$@"; }', "runs writes || true")).to.deep.equal(["runs"]);
  });

  it("leave a function of one command alone: it fails as that does", () => {
    const plain = 'f() { rm "$PGDATA/x"; }; g() { f; }; g || true; f || true';
    expect(suppressed(plain)).to.deep.equal([]);
    expect(suppressed(WRITES, "g() { writes; }; g || true")).to.deep.equal(["g"]);
  });

  it("leave readers alone, what they put into memory, and words that only look like SQL", () => {
    for (const text of [
      "f() { cat x 2>/dev/null; }",
      'f() { local file="$RUN/list"; wal-g st ls >"$file"; rm -f "$file"; }',
      'f() { g "$RUN/list"; }; g() { : >"$1"; echo >>"$1"; }',
      'g() { : >"$1"; echo >>"$1"; }; h() { g "$1" || return; }; h "$RUN/list"',
      `runs() { "$@"; }; g() { : >"$1"; echo >>"$1"; }; h() { g "$1" || return; }; runs h "$RUN/list"`,
      'g() { : >"$1"; echo >>"$1"; }; h() { g "$1" || true; }; i() { h "$@"; }; i "$RUN/list"',
      'f() { folder="$(mktemp -d)"; export WALG_FILE_PREFIX="$folder"; wal-g st put a b; }',
      'first() { readonly LIST="$RUN/list"; }; f() { : >"$LIST"; echo >>"$LIST"; }',
      'f() { local folder; folder="$(mktemp -d)"; cp "$PGDATA/x" "$folder/x"; }',
      "f() { psql -c \"SELECT ' is overridden by ALTER SYSTEM'\"; }",
      "f() { psql -c 'CREATE TEMP TABLE x AS SELECT 1'; }",
      "f() { exec 3<x; : >&2; }",
    ]) {
      expect(suppressed(text, "f || true"), text).to.deep.equal([]);
    }
  });

  it("mean a script's own function before one of lib/", () => {
    const lib = parse("x/lib/y.sh", WRITES);
    const own = parse("x/own.sh", "writes() { :; }; writes || true");
    const other = parse("x/other.sh", "writes || true");
    expect(new Functions([lib, own, other]).suppressed().map(({ at }) => at)).to.deep.equal(["x/other.sh:1"]);
  });

  it("find process substitutions that are read, but for one of which nothing comes", () => {
    const text = "read x < <(ls)\ncomm <(a) <(b)\nls > >(tee x)\nread -t 1 x <> <(:)";
    expect(substitutions(parse("x", text)).map(({ at }) => at)).to.deep.equal(["x:1", "x:2", "x:2"]);
  });

  it("find patterns of JSON where something is matched, not where it is printed", () => {
    const found = [
      `grep -o '"name":"[^"]*"' x`,
      `sed -n 's/.*"name": *"//p' x`,
      String.raw`sed 's/},{/}\n{/g' x`,
      String.raw`[[ "$x" =~ \"name\":[[:space:]]* ]]`,
      `echo "\${x#*\\"name\\":}"`,
      `case "$x" in *'"name":'*) : ;; esac`,
    ];
    for (const text of found) expect(jsonPatterns(parse("x", text)), text).to.have.length(1);
    for (const text of [`printf '{"name":"%s"}' x`, `grep -o '/[^ "]*.log' x`, `[[ "$x" == *": "* ]]`]) {
      expect(jsonPatterns(parse("x", text)), text).to.deep.equal([]);
    }
  });
});

describe("what a command loads", () => {
  withLinters();

  /** What is wrong with a command `x`, which loads these files of lib/. */
  function check(command: string, lib: Readonly<Record<string, string>>) {
    const files = [["s/x", command], ...Object.entries(lib).map(([name, text]) => [`s/lib/${name}`, text])];
    return new Loads(files.map(([file = "", text = ""]) => parse(file, text))).check("s/x");
  }
  const fine = { idle: [], missing: [], late: [] };

  it("is used where something in it is called, handed on, trapped or read, also by another file", () => {
    for (const text of [
      "f",
      'run f; run() { "$@"; }',
      'run f; run() { keep "$@"; }; keep() { "$@"; }',
      "trap 'f; exit' EXIT",
      "trap f EXIT",
      'g() { echo "$(f)"; }; g',
      "g() { f | cat; }; (g)",
      'echo "$A"',
      "echo $((A + 1))",
      "((A > 1))",
      "by_name A",
    ]) {
      expect(check(`. "$LIB/a.sh"\n${text}`, { "a.sh": "readonly A=1\nf() { :; }" }), text).to.deep.equal(
        fine,
      );
    }
    const lib = { "a.sh": "A=1", "b.sh": 'B="$A"; f() { :; }' };
    expect(check('. "$LIB/a.sh"\n. "$LIB/b.sh"\nf', lib)).to.deep.equal(fine);
  });

  it("is idle where nothing reaches it", () => {
    for (const text of [":", "g() { f; }", "echo f", "f() { :; }; f", "A=2; echo $A"]) {
      const { idle } = check(`. "$LIB/a.sh"\n${text}`, { "a.sh": "readonly A=1\nf() { :; }" });
      expect(idle, text).to.deep.equal(["s/lib/a.sh"]);
    }
  });

  it("is missing where something calls or reads it all the same, and late where it is read before", () => {
    const lib = { "a.sh": "A=1", "b.sh": 'B="$A"; f() { g; }', "c.sh": "g() { :; }" };
    expect(check('. "$LIB/b.sh"\nf', lib).missing).to.deep.equal(["s/lib/a.sh", "s/lib/c.sh"]);
    expect(check('. "$LIB/b.sh"\n. "$LIB/a.sh"\n. "$LIB/c.sh"\nf', lib)).to.deep.equal({
      ...fine,
      late: ["s/lib/b.sh reads s/lib/a.sh"],
    });
  });
});

describe("the heads of parts", () => {
  withLinters();

  const of = (files: Readonly<Record<string, string>>) =>
    unsaid(Object.entries(files).map(([file, text]) => variablesOf(parse(file, text))));

  it("name what a function sets and another file reads, in both files", () => {
    for (const reading of ['echo "$A"', "((A > 1))", "echo $((A))", "f() { : $A; }"]) {
      const lib = { "x/lib/a": "# Part.\nf() { A=1; }", "x/lib/b": reading };
      expect(of(lib), reading).to.deep.equal(["x/lib/a sets A", "x/lib/b reads A"]);
      expect(
        of({ "x/lib/a": "# Sets A.\nf() { A=1; }", "x/lib/b": `# Reads A.\n${reading}` }),
        reading,
      ).to.deep.equal([]);
    }
  });

  it("need not name constants, what is local, what one command is given, and what no other file reads", () => {
    for (const text of ["readonly A=1", "f() { local A; A=1; }", "A=1 env", "B=1"]) {
      expect(of({ "x/lib/a": text, "x/lib/b": "echo $A" }), text).to.deep.equal([]);
    }
  });
});
