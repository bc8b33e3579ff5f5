import { all, declared, type Node, name, nodes, type Script } from "./shell";

// What a command of the image loads from lib/, and what of that it uses. Bash finds a function that is missing when it is called,
// at worst in the middle of a restore, and one that nobody calls never.

/** Code that runs together: a function, or what a file does when it is loaded. */
interface Part {
  readonly file: File;
  /** Variables that it reads, or hands on by name. */
  readonly reads: ReadonlySet<string>;
  /** Commands that it runs, as words. */
  readonly calls: readonly (readonly string[])[];
}

interface File {
  readonly path: string;
  readonly functions: Map<string, Part>;
  /** Variables that it sets when it is loaded. */
  readonly variables: Set<string>;
  readonly loads: readonly string[];
  top?: Part;
}

const CONSTANT = /^[A-Z][A-Z_0-9]*$/;
const identifiers = (text: string) => text.match(/[A-Za-z_]\w*/g) ?? [];
const parameter = (node: Node) => (node.Param as { Value: string }).Value;

/** A word with its literal text, and `$x` for what is expanded there. */
function written(word: Node | undefined): string {
  const texts = nodes(word?.Parts).map((part) => {
    if (part.Type === "ParamExp") return `$${parameter(part)}${part.Slice ? ":" : ""}`;
    if (part.Type === "DblQuoted") return written(part);
    return typeof part.Value === "string" ? part.Value : "$()";
  });
  return texts.join("");
}

/** What a file loads from lib/, in that order. */
function loadsOf(tree: Node): string[] {
  return [...all(tree)]
    .filter(({ Type }) => Type === "CallExpr")
    .map((call) => nodes(call.Args).map(written))
    .flatMap(([command, path]) => (command === "." && path?.startsWith("$LIB/") ? [path.slice(5)] : []));
}

function partOf(file: File, body: Node): Part {
  const reads = new Set<string>();
  const calls: string[][] = [];
  for (const node of all(body)) {
    if (node.Type === "ParamExp") reads.add(parameter(node));
    // an arithmetic expression names its variables
    const inner = /^Arithm/.test(node.Type ?? "") ? [...all(node)] : [];
    for (const { Value } of inner)
      if (typeof Value === "string") for (const it of identifiers(Value)) reads.add(it);
    if (node.Type !== "CallExpr") continue;
    const call = nodes(node.Args).map(written);
    calls.push(call, ...(call[0] === "trap" ? identifiers(call[1] ?? "").map((it) => [it]) : []));
    for (const word of call.slice(1)) if (CONSTANT.test(word)) reads.add(word);
  }
  return { file, reads, calls };
}

function fileOf({ file: path, tree }: Script): File {
  const file: File = { path, functions: new Map(), variables: new Set(), loads: loadsOf(tree) };
  for (const it of declared(tree)) file.functions.set(name(it), partOf(file, it.Body as Node));
  for (const node of all(tree)) {
    if (node.Name && (node.Value || node.Array || node.Naked)) file.variables.add(name(node));
    const { Op } = (node.Exp ?? {}) as Node;
    if (node.Type === "ParamExp" && Op?.endsWith("=")) file.variables.add(parameter(node));
  }
  file.top = partOf(file, tree);
  return file;
}

/** What is wrong with what a command loads. */
export interface Wrong {
  /** Files that it loads and does not use. */
  readonly idle: readonly string[];
  /** Files that it uses and does not load. */
  readonly missing: readonly string[];
  /** Files that need another one when they are loaded, which comes only later. */
  readonly late: readonly string[];
}

export class Loads {
  private readonly files: ReadonlyMap<string, File>;

  constructor(scripts: readonly Script[]) {
    this.files = new Map(scripts.map((script) => [script.file, fileOf(script)]));
  }

  /** The command's path, and all that it loads, in that order. */
  loaded(command: string): string[] {
    const lib = `${command.slice(0, command.lastIndexOf("/") + 1)}lib/`;
    const found: string[] = [];
    const visit = (path: string) => {
      const file = this.files.get(path);
      if (found.includes(path)) return;
      if (!file) throw new Error(`${command} loads ${path}, which is not there`);
      found.push(path);
      for (const below of file.loads) visit(lib + below);
    };
    visit(command);
    return found;
  }

  /** Where a name is declared: in the command, else in one of the files that it may load. */
  private owner(command: string, has: (file: File) => boolean): File | undefined {
    const own = this.files.get(command);
    if (own && has(own)) return own;
    return [...this.files.values()].find((file) => file.path.includes("/lib/") && has(file));
  }

  private called(command: string, name = ""): Part | undefined {
    return this.owner(command, ({ functions }) => functions.has(name))?.functions.get(name);
  }

  /** Whether a function runs the command that its arguments are, itself or by another. */
  private runs(command: string, part: Part, depth = 4): boolean {
    return part.calls.some(([first, ...rest]) => {
      if (/^\$@/.test(first ?? "")) return true;
      const other = depth > 0 && rest.some((word) => /^\$@/.test(word)) && this.called(command, first);
      return other && other !== part && this.runs(command, other, depth - 1);
    });
  }

  /** The functions that a call runs: its first word, and the first of those behind it where that is run. */
  private targets(command: string, [first, ...rest]: readonly string[]): Part[] {
    const direct = this.called(command, first);
    if (!direct) return [];
    const given = this.runs(command, direct)
      ? rest.map((word) => this.called(command, word)).find(Boolean)
      : undefined;
    return given ? [direct, given] : [direct];
  }

  /** All that a command uses: itself, what it calls, the files of that, and what these read when they are loaded. */
  used(command: string): Set<string> {
    const parts = new Set<Part>();
    const files = new Set<string>();
    const reach = (part: Part | undefined) => {
      if (!part || parts.has(part)) return;
      parts.add(part);
      if (!files.has(part.file.path)) {
        files.add(part.file.path);
        reach(part.file.top);
      }
      for (const call of part.calls) for (const target of this.targets(command, call)) reach(target);
      for (const variable of part.reads)
        reach(this.owner(command, ({ variables }) => variables.has(variable))?.top);
    };
    reach(this.files.get(command)?.top);
    return files;
  }

  /** The files that a part needs by itself: those whose functions it calls and whose variables it reads. */
  private needs(command: string, { calls, reads }: Part): string[] {
    const called = calls.flatMap((call) => this.targets(command, call)).map(({ file }) => file.path);
    const owners = [...reads].map(
      (variable) => this.owner(command, ({ variables }) => variables.has(variable))?.path,
    );
    return [...called, ...owners.filter((path) => path !== undefined)];
  }

  check(command: string): Wrong {
    const loaded = this.loaded(command);
    const used = this.used(command);
    const late = loaded.slice(1).flatMap((path, index) => {
      const top = this.files.get(path)?.top;
      const later = loaded.slice(index + 2);
      const needs = top ? this.needs(command, top).filter((other) => later.includes(other)) : [];
      return [...new Set(needs)].map((other) => `${path} reads ${other}`);
    });
    return {
      idle: loaded.filter((path) => !used.has(path)),
      missing: [...used].filter((path) => !loaded.includes(path)),
      late,
    };
  }

  /** What is wrong with what a command loads, as lines that say what to do. */
  complaints(command: string): string[] {
    const { idle, missing, late } = this.check(command);
    return [
      ...idle.map((path) => `${command} loads ${path} and uses nothing of it: remove the line`),
      ...missing.map((path) => `${command} uses ${path}: load it`),
      ...late.map((what) => `${command}: ${what}, which it has to load before`),
    ];
  }
}
