import { all, declared, type Node, name, nodes, type Script } from "./shell";

// Variables by which the files of lib/ hand each other results: Bash has no other way, so the head of a file names its own.

/** What every caller of `attempt` reads, and what every command sets for its log. */
const COMMON = /^(PROBLEM|STATUS|COMPONENT)$/;
const GLOBAL = /^[A-Z][A-Z_0-9]*$/;

interface Variables {
  readonly file: string;
  /** The comment that the file begins with. */
  readonly head: string;
  readonly sets: ReadonlySet<string>;
  readonly constants: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
}

const named = (it: Node) => it.Name !== undefined && GLOBAL.test(name(it));
const isLocal = (node: Node) => node.Type === "DeclClause" && (node.Variant as Node).Value === "local";

/** What a function, or a file outside of its functions, assigns that stays when it ends; constants and what is exported aside. */
function assigned(body: Node): string[] {
  const its = [...all(body)];
  const own = new Set(its.filter(isLocal).flatMap((it) => nodes(it.Args).filter(named).map(name)));
  const assignments = its.flatMap((it) => {
    if (it.Type === "DeclClause") return (it.Variant as Node).Value === "declare" ? nodes(it.Args) : [];
    // before a command they are its environment
    return it.Type === "CallExpr" && nodes(it.Args).length === 0 ? nodes(it.Assigns) : [];
  });
  return assignments
    .filter(named)
    .map(name)
    .filter((it) => !own.has(it) && !COMMON.test(it));
}

/** What is set once, `readonly`. */
function constants(body: Node): string[] {
  const declarations = [...all(body)].filter(
    (it) => it.Type === "DeclClause" && (it.Variant as Node).Value === "readonly",
  );
  return declarations.flatMap((it) => nodes(it.Args).filter(named).map(name));
}

function read(node: Node): string[] {
  if (node.Type === "ParamExp") return [(node.Param as { Value: string }).Value];
  if (!/^Arithm/.test(node.Type ?? "")) return [];
  return [...all(node)].flatMap(({ Value }) =>
    typeof Value === "string" ? (Value.match(/[A-Za-z_]\w*/g) ?? []) : [],
  );
}

export function variablesOf({ file, tree, bytes }: Script): Variables {
  const bodies = [tree, ...[...declared(tree)].map((it) => it.Body as Node)];
  return {
    file,
    head: /^(#.*\n)*/.exec(bytes.toString())?.[0] ?? "",
    sets: new Set(bodies.flatMap(assigned)),
    constants: new Set(bodies.flatMap(constants)),
    reads: new Set(bodies.flatMap((body) => [...all(body)].flatMap(read))),
  };
}

/** What the heads of files of lib/ do not say: variables that they set for other files, or read from them. */
export function unsaid(files: readonly Variables[]): string[] {
  const others = (it: Variables, has: (other: Variables) => boolean) =>
    files.some((other) => other !== it && has(other));
  const parts = files.filter(({ file }) => file.includes("/lib/"));
  const fixed = new Set(parts.flatMap((it) => [...it.constants]));
  return parts.flatMap((it) => {
    const given = [...it.sets].filter((variable) => others(it, ({ reads }) => reads.has(variable)));
    const taken = [...it.reads].filter((variable) => others(it, ({ sets }) => sets.has(variable)));
    const silent = (variable: string) =>
      !fixed.has(variable) && !new RegExp(`\\b${variable}\\b`).test(it.head);
    return [
      ...given.filter(silent).map((variable) => `${it.file} sets ${variable}`),
      ...taken
        .filter((variable) => silent(variable) && !given.includes(variable))
        .map((variable) => `${it.file} reads ${variable}`),
    ];
  });
}
