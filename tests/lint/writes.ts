import {
  all,
  declared,
  everything,
  type Found,
  type Node,
  name,
  nodes,
  report,
  type Script,
  text,
  unquoted,
  words,
} from "./shell";

// A rule for Bash that no linter has: what writes is not run where `set -e` is off.

const WRITING =
  /^(rm|rmdir|mv|touch|sync|tee|truncate|chmod|chown|mkdir|mkfifo|initdb|pg_upgrade|pg_rewind|pg_resetwal|pg_checksums)$/;
/** Their last operand is what they write. */
const COPYING = /^(cp|ln|install)$/;
const STORING = /^(backup-push|wal-push|delete|put|rm)$/;
const FETCHING = /^(backup-fetch|wal-fetch)$/;
const CHANGING =
  /(^|[;'"(\n])\s*(CREATE(?! TEMP| \w+ pg_temp\.)|ALTER|DROP|INSERT|UPDATE|DELETE|TRUNCATE|REINDEX|REFRESH|GRANT|REVOKE|CHECKPOINT)\b/;
/** In memory or passing, and gone with the container: what a reader puts there is no more than its memory. */
const SCRATCH = /^(\$\{?RUN\}?\/|\/tmp\/|\/dev\/|\$\(mktemp )/;

type Values = ReadonlyMap<string, string>;

/** What variables are set to in a part of a script, as it is written. */
function assigned(script: Script, part: Node): Values {
  return new Map(
    [...all(part)]
      .filter(({ Name, Value }) => Name && typeof Value === "object")
      .map((it) => [name(it), unquoted(script, it.Value as Node)]),
  );
}

/** A word with its first variable replaced by what that is set to. */
function resolved(word: string, values: Values, depth = 4): string {
  const [variable = "", plain, braced] = /^\$(?:(\w+)|\{(\w+)\})/.exec(word) ?? [];
  const value = SCRATCH.test(word) || depth === 0 ? undefined : values.get(plain ?? braced ?? "");
  return value === undefined ? word : resolved(value + word.slice(variable.length), values, depth - 1);
}

interface Call {
  readonly name: string;
  /** Resolved, like {@link writes}. */
  readonly args: readonly string[];
}

interface Function {
  readonly file: string;
  readonly name: string;
  readonly body: Node;
  /** Whether it is one command, which succeeds as that does, with `set -e` or without. */
  readonly plain: boolean;
  readonly values: Values;
  readonly calls: readonly Call[];
  /** What it writes itself: paths, and words for other things. */
  readonly writes: readonly string[];
  /** Whether it runs its arguments as a command. */
  readonly runs: boolean;
}

/** The programs, and the functions that hand their arguments on to them. */
interface Runners {
  readonly sql: ReadonlySet<string>;
  readonly walg: ReadonlySet<string>;
}

/** What a command writes by itself. */
function written(script: Script, call: Node, runners: Runners, own: Values): string[] {
  const [first = "", ...rest] = words(script, call);
  const program = first.split("/").at(-1) ?? "";
  const operands = rest.filter((word) => !/^(-.*|[0-7]{3,4})$/.test(word));
  const when = (holds: boolean) => (holds ? [program] : []);
  if (WRITING.test(program)) return operands.length > 0 ? operands : [program];
  if (COPYING.test(program)) return operands.slice(-1);
  if (program === "tar") return when(/^-?[a-z]*x/.test(rest[0] ?? ""));
  if (program === "sed" || program === "perl") return when(rest.some((word) => /^-\w*i/.test(word)));
  if (program === "find") return when(rest.some((word) => word === "-delete" || WRITING.test(word)));
  if (program === "xargs") return when(rest.some((word) => WRITING.test(word)));
  if (runners.walg.has(program) && rest.some((word) => FETCHING.test(word))) return operands.slice(-1);
  if (runners.walg.has(program) && rest.some((word) => STORING.test(word))) {
    return own.has("WALG_FILE_PREFIX") ? ["$WALG_FILE_PREFIX"] : [program];
  }
  return when(runners.sql.has(program) && nodes(call.Args).some((word) => CHANGING.test(text(script, word))));
}

/** What the redirections of a statement write. */
function redirected(script: Script, statement: Node, runners: Runners): string[] {
  const [program = ""] = nodes(statement.Cmd).flatMap((command) => words(script, command));
  return nodes(statement.Redirs).flatMap(({ Op = "", Word, Hdoc }) => {
    const sql = runners.sql.has(program) && CHANGING.test(text(script, (Hdoc ?? Word) as Node));
    if (/^<</.test(Op)) return sql ? [program] : [];
    if (!/^(&?>>?|>\|)$/.test(Op)) return [];
    return nodes((Word as Node).Parts)[0]?.Type === "ProcSubst" ? [] : [unquoted(script, Word as Node)];
  });
}

function describe(script: Script, part: Node, globals: Values, runners: Runners): Function {
  const body = part.Type === "FuncDecl" ? (part.Body as Node) : part;
  const own = assigned(script, body);
  const values = new Map([...globals, ...own]);
  const calls: Call[] = [];
  const writes: string[] = [];
  for (const node of all(body)) {
    if (node.Redirs) writes.push(...redirected(script, node, runners));
    if (node.Type !== "CallExpr") continue;
    writes.push(...written(script, node, runners, own));
    calls.push(callOf(script, node, values));
  }
  return {
    file: script.file,
    name: part.Type === "FuncDecl" ? name(part) : "",
    body,
    plain: isPlain(body),
    values,
    calls,
    writes: writes.map((it) => resolved(it, values)).filter((it) => !SCRATCH.test(it)),
    runs: calls.some((it) => /^\$(@|\{@:)/.test(it.name)),
  };
}

function callOf(script: Script, call: Node, values: Values): Call {
  const [first = "", ...rest] = words(script, call);
  return { name: first, args: rest.map((word) => resolved(word, values)) };
}

function isPlain(body: Node): boolean {
  const statements = nodes((body.Cmd as Node | undefined)?.Stmts);
  return statements.length === 1 && (statements[0]?.Cmd as Node | undefined)?.Type === "CallExpr";
}

/** A program, and all functions that hand their arguments on to it. */
function runnersOf(program: string, scripts: readonly Script[]): Set<string> {
  const found = new Set([program]);
  const handsOn = (written: readonly string[]) =>
    written.some((word) => /^\$(@|\{@:)/.test(word)) && written.some((word) => found.has(word));
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const script of scripts) {
      for (const declaration of declared(script.tree)) {
        const its = [...all(declaration.Body as Node)].filter(({ Type }) => Type === "CallExpr");
        if (its.some((call) => handsOn(words(script, call)))) found.add(name(declaration));
      }
    }
  }
  return found;
}

/** What the variables of a whole script, which are written in capitals, are set to anywhere in it. */
function constants(script: Script): [string, string][] {
  return everything(script)
    .filter((node) => node.Name && typeof node.Value === "object" && /^[A-Z]/.test(name(node)))
    .map((node) => [name(node), unquoted(script, node.Value as Node)]);
}

/** An argument of a call, from 1; behind `$@` they are those of the function that calls. */
function argument(args: readonly string[], number: number): string | undefined {
  const all = args.indexOf("$@");
  return all >= 0 && all < number ? `$${number - all}` : args[number - 1];
}

/** All functions of the scripts, and each script's own commands as one without a name. */
export class Functions {
  readonly all: readonly Function[];
  /** What each writes, itself or by another; `$1` is its first argument. */
  private readonly writing = new Map<Function, Set<string>>();

  constructor(readonly scripts: readonly Script[]) {
    const runners = { sql: runnersOf("psql", scripts), walg: runnersOf("wal-g", scripts) };
    const sourced = scripts.flatMap(constants);
    this.all = scripts.flatMap((script) => {
      const globals = new Map([...sourced, ...constants(script)]);
      return [script.tree, ...declared(script.tree)].map((part) => describe(script, part, globals, runners));
    });
    for (const it of this.all) this.writing.set(it, new Set(it.writes));
    while (this.all.filter((it) => this.learn(it)).length > 0);
  }

  /** Adds what a function's calls write to what it writes. Returns whether that is more than was known. */
  private learn(it: Function): boolean {
    const known = this.writing.get(it) as Set<string>;
    const before = known.size;
    for (const call of it.calls) for (const what of this.written(it.file, call)) known.add(what);
    return known.size > before;
  }

  /** What a call in a file writes that is not scratch: also by the command that it hands on. */
  written(file: string, { name, args }: Call): string[] {
    const own = this.meant(file, name).flatMap((it) =>
      [...(this.writing.get(it) ?? [])].map((what) => {
        const [, number] = /^\$\{?([1-9])\}?/.exec(what) ?? [];
        return number === undefined ? what : (argument(args, Number(number)) ?? what);
      }),
    );
    const further = this.handedOn(file, { name, args }).flatMap((call) => this.written(file, call));
    return [...own, ...further].filter((what) => !SCRATCH.test(what));
  }

  /** The functions that a name may mean in a file: its own, else those of the files that it may source. */
  private meant(file: string, name: string): Function[] {
    const named = this.all.filter((it) => it.name === name && name !== "");
    const own = named.filter((it) => it.file === file);
    return own.length > 0 ? own : named.filter((it) => it.file.includes("/lib/"));
  }

  /** The function that a call is given to run, as a call: `attempt write_record x` calls `write_record x`. */
  private handedOn(file: string, { name, args }: Call): Call[] {
    if (!this.meant(file, name).some((it) => it.runs)) return [];
    const command = args.findIndex((word) => this.meant(file, word).length > 0);
    return command < 0 ? [] : [{ name: args[command] ?? "", args: args.slice(command + 1) }];
  }

  /** Whether what is left of a call's writes is scratch after all, since every caller gives a scratch file. */
  private isScratch(it: Function, what: string, depth = 8): boolean {
    const [, number] = /^\$\{?([1-9])\}?/.exec(what) ?? [];
    if (number === undefined || depth === 0) return SCRATCH.test(what);
    const callers = this.all.flatMap((caller) =>
      caller.calls
        .flatMap((call) => [call, ...this.handedOn(caller.file, call)])
        .filter((call) => this.meant(caller.file, call.name).includes(it))
        .map((call) => this.isScratch(caller, argument(call.args, Number(number)) ?? "", depth - 1)),
    );
    return callers.length > 0 && callers.every(Boolean);
  }

  /** Whether a call is of one command after all: that fails as a whole, with `set -e` or without. */
  private isPlain(file: string, { name, args }: Call): boolean {
    const harmless = (it: Function, call: Call) =>
      this.written(it.file, call).length === 0 || this.isPlain(it.file, call);
    const handedOn = this.handedOn(file, { name, args });
    if (handedOn.length > 0) return handedOn.every((call) => this.isPlain(file, call));
    return this.meant(file, name).every((it) => it.plain && it.calls.every((call) => harmless(it, call)));
  }

  /** Calls that write where Bash only asks whether they succeed: `set -e` is off in them. */
  suppressed(): Found[] {
    return this.all.flatMap((it) => {
      const script = this.scripts.find(({ file }) => file === it.file) as Script;
      const writes = (call: Node) => {
        const made = callOf(script, call, it.values);
        if (this.isPlain(it.file, made)) return [];
        return this.written(it.file, made).filter((what) => !this.isScratch(it, what));
      };
      const inConditions = [...all(it.body)].flatMap(conditions).flatMap((condition) => [...all(condition)]);
      const calls = inConditions.filter(({ Type }) => Type === "CallExpr");
      const found = calls.filter((call) => writes(call).length > 0);
      return report(script, found, (call) => {
        const what = [...new Set(writes(call))].slice(0, 3).join(", ");
        const remedy = "call it plainly, or by `attempt` (lib/common/attempt.sh)";
        return `${words(script, call)[0]} in a condition, and it writes ${what}: ${remedy}`;
      });
    });
  }
}

function conditions(node: Node): Node[] {
  if (Array.isArray(node.Cond)) return nodes(node.Cond); // if, elif, while and until
  if (node.Type === "BinaryCmd" && /^(&&|\|\|)$/.test(node.Op ?? "")) return nodes(node.X);
  return node.Negated ? [node] : [];
}
