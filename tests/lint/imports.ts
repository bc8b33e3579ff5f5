import { dirname, join } from "node:path";
import { preProcessFile } from "typescript";

/** The project's files that each file imports, types too, by their paths from the project's root. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/**
 * Reads what files import from each other.
 *
 * @param files paths from the project's root
 * @param read the text of one
 */
export function importsOf(files: readonly string[], read: (file: string) => string): Imports {
  const known = new Set(files);
  const found = (file: string, name: string) => {
    const path = join(dirname(file), name);
    return [path, `${path}.ts`, `${path}.js`, `${path}/index.ts`, `${path}/index.js`].find((it) =>
      known.has(it),
    );
  };
  const imports = (file: string) =>
    preProcessFile(read(file), true, true)
      .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
      .flatMap(({ fileName }) => found(file, fileName) ?? []);
  return new Map(files.map((file) => [file, imports(file)]));
}

/** Groups of files of which each reaches all others by imports (Tarjan's strongly connected components), sorted. */
export function circles(imports: Imports): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const path: string[] = [];
  const visit = (file: string): number => {
    const mine = index.size;
    let least = mine;
    index.set(file, mine);
    path.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!index.has(next)) least = Math.min(least, visit(next));
      else if (path.includes(next)) least = Math.min(least, low.get(next) ?? index.get(next) ?? least);
    }
    low.set(file, least);
    if (least === mine) {
      const group = path.splice(path.indexOf(file));
      if (group.length > 1 || imports.get(file)?.includes(file)) found.push(group.sort());
    }
    return least;
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found.sort();
}
