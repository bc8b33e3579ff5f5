import { sep } from "node:path";
import * as ts from "typescript";

/** Which names of a package's declarations have no words for an editor to show; all that were looked at, by their paths. */
export function undocumented(file: string): { missing: string[]; seen: string[] } {
  const program = ts.createProgram([file], { strict: true, module: ts.ModuleKind.NodeNext, types: [] });
  const checker = program.getTypeChecker();
  const found = new Map<string, boolean>();
  const ours = file.slice(0, file.lastIndexOf(sep) + 1);
  const isOurs = (symbol: ts.Symbol) =>
    symbol.declarations?.some((it) => it.getSourceFile().fileName.startsWith(ours)) ?? false;
  const parts = (type: ts.Type): ts.Type[] =>
    type.isUnionOrIntersection()
      ? type.types.flatMap(parts)
      : checker.isArrayType(type)
        ? checker.getTypeArguments(type as ts.TypeReference).flatMap(parts)
        : [type];

  const visit = (type: ts.Type, path: string, above: readonly ts.Type[]) => {
    for (const part of parts(type).filter((it) => !above.includes(it))) {
      for (const property of checker.getPropertiesOfType(part).filter(isOurs)) {
        look(property, `${path}.${property.name}`);
        visit(checker.getTypeOfSymbol(property), `${path}.${property.name}`, [...above, part]);
      }
    }
  };
  const look = (symbol: ts.Symbol, path: string) =>
    found.set(path, found.get(path) || symbol.getDocumentationComment(checker).length > 0);

  const source = program.getSourceFile(file) as ts.SourceFile;
  for (const name of checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol)) {
    const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
    look(symbol, name.name);
    if (symbol.flags & ts.SymbolFlags.Function) continue;
    visit(checker.getDeclaredTypeOfSymbol(symbol), name.name, []);
  }
  const seen = [...found.keys()].sort();
  return { missing: seen.filter((path) => !found.get(path)), seen };
}
