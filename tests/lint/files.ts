import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(__dirname, "../..");

/** Every file of the project that git does not ignore, relative to its root; new ones too. */
export function projectFiles(): string[] {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  const files = list.toString().split("\0").filter(Boolean);
  return [...new Set(files)].filter((file) => existsSync(join(root, file)));
}

export function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** Scripts with a shell's shebang, and the files that they source. */
export function shellScripts(): string[] {
  return projectFiles().filter(
    (file) => file.endsWith(".sh") || /^#!.*\b(ba)?sh\b/.test(read(file).slice(0, 40)),
  );
}
