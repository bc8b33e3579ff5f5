import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

/** A file of the program, a text in it, and what takes its place; without a text, the end of the file. */
export type Edit = readonly [file: string, text: string | undefined, replacement: string];

/** Edits files of a checkout; gives back what undoes it. */
export function edit(folder: string, edits: readonly Edit[]): () => void {
  const before = new Map(
    edits.map(([file]) => [join(folder, file), readFileSync(join(folder, file), "utf8")]),
  );
  for (const [file, text, replacement] of edits) {
    const content = readFileSync(join(folder, file), "utf8");
    if (text !== undefined) expect(content, file).to.include(text);
    const edited = text === undefined ? content + replacement : content.replace(text, () => replacement);
    writeFileSync(join(folder, file), edited);
  }
  return () => {
    for (const [path, content] of before) writeFileSync(path, content);
  };
}
