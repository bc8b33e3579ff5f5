import { everything, type Found, type Node, nodes, report, type Script, text } from "./shell";

// Rules for Bash that no linter has, about what a script reads.

/** `<(...)`: nobody hears of what goes wrong in it. */
export function substitutions(script: Script): Found[] {
  const found = everything(script).filter(
    (node) => node.Type === "ProcSubst" && node.Op === "<(" && text(script, node) !== "<(:)", // to wait for nothing
  );
  return report(script, found, (node) => text(script, node).split("\n")[0] ?? "");
}

/** A name of JSON with its colon, or the border between two objects, in a pattern. */
const JSON_PATTERN = /"(\[\[:space:\]\]\*|\\s\*| )?\*?:|\{\\?"|\},(\[\[:space:\]\]\*)? *\{/;

/** Patterns that pick something out of JSON, where it has to be parsed. */
export function jsonPatterns(script: Script): Found[] {
  const found = everything(script)
    .flatMap(patterns(script))
    .filter((pattern) => JSON_PATTERN.test(meaning(pattern)));
  return report(script, found, (pattern) => text(script, pattern).slice(0, 80));
}

/** A word as the program gets it, without the shell's own quotes. */
function meaning(node: Node): string {
  if (typeof node.Value === "string") return node.Value;
  return nodes(node.Parts).map(meaning).join("");
}

const patterns =
  (script: Script) =>
  (node: Node): Node[] => {
    if (node.Type === "CallExpr") {
      const [program, ...rest] = nodes(node.Args);
      return program && /^(grep|sed|cut|tr|expr)$/.test(text(script, program)) ? rest : [];
    }
    if (node.Type === "BinaryTest") return /^(=~|==?|!=)$/.test(node.Op ?? "") ? nodes(node.Y) : [];
    if (node.Type === "ParamExp") {
      return [...nodes((node.Exp as Node)?.Word), ...nodes((node.Repl as Node)?.Orig)];
    }
    return nodes(node.Patterns);
  };
