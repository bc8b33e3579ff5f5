import { spawnSync } from "node:child_process";
import { linter } from "./linters";

// Bash as the syntax tree that shfmt makes.

/** A node of the tree: what it has depends on its type. */
export interface Node {
  readonly Type?: string;
  readonly Op?: string;
  readonly Pos?: { Offset: number; Line: number };
  readonly End?: { Offset: number };
  readonly [field: string]: unknown;
}

export interface Script {
  readonly file: string;
  readonly bytes: Buffer;
  readonly tree: Node;
}

/** A place in a script, and what is found there. */
export interface Found {
  readonly at: string;
  readonly what: string;
}

export function parse(file: string, text: string): Script {
  const options = { input: text, encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync(
    linter("shfmt"),
    ["--to-json", "--language-dialect", "bash"],
    options,
  );
  if (status !== 0) throw new Error(`${file}: ${stderr}`);
  return { file, bytes: Buffer.from(text), tree: JSON.parse(stdout) };
}

export const nodes = (value: unknown): Node[] =>
  (Array.isArray(value) ? value : value ? [value] : []) as Node[];
export const name = (node: Node) => (node.Name as { Value: string }).Value;

const children = (node: Node): Node[] =>
  Object.entries(node)
    .filter(([field]) => field !== "Pos" && field !== "End")
    .flatMap(([, value]) => nodes(value))
    .filter((it) => typeof it === "object");

/** A node and all below it, but not the functions that are declared there. */
export function* all(node: Node): Generator<Node> {
  yield node;
  for (const child of children(node)) if (child.Type !== "FuncDecl") yield* all(child);
}

export function* declared(node: Node): Generator<Node> {
  if (node.Type === "FuncDecl") yield node;
  for (const child of children(node)) yield* declared(child);
}

export const everything = ({ tree }: Script) => [tree, ...declared(tree)].flatMap((part) => [...all(part)]);

export const text = ({ bytes }: Script, { Pos, End }: Node) =>
  bytes.subarray(Pos?.Offset, End?.Offset).toString();
export const unquoted = (script: Script, word: Node) => text(script, word).replace(/["']/g, "");
/** The words of a command, as they are written, without their quotes. */
export const words = (script: Script, call: Node) => nodes(call.Args).map((word) => unquoted(script, word));

export function report(script: Script, found: readonly Node[], what: (node: Node) => string): Found[] {
  const lines = found.map((node) => ({ at: `${script.file}:${node.Pos?.Line}`, what: what(node) }));
  return [...new Map(lines.map((it) => [`${it.at} ${it.what}`, it])).values()];
}
