import { createHash, type Hash } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import dockerignore from "@balena/dockerignore";

/** Docker sends these to the daemon even if `.dockerignore` lists them; the Dockerfile determines the image. */
const ALWAYS_SENT = new Set(["Dockerfile"]);

/**
 * Hashes what determines an image: every file of a build context that Docker would send, and the build's inputs.
 *
 * A file counts with its path, its kind, its exec bit (0755 or 0644, as git keeps it) and its content; a link with
 * its target's text. Umask, owner, times, the folder's location and the file system's order don't count.
 *
 * @param folder the build context; applies its `.dockerignore`
 * @param inputs what else determines the image: build arguments, platform
 * @returns 64 hex digits (SHA-256)
 * @throws if the folder can't be read or holds anything other than files, links and folders
 */
export function contextHash(folder: string, inputs: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  for (const path of contextFiles(folder)) {
    const full = join(folder, path);
    const stat = lstatSync(full);
    if (stat.isSymbolicLink()) add(hash, "link", path, readlinkSync(full));
    else if (stat.isFile()) add(hash, mode(stat).toString(8), path, readFileSync(full));
    else throw new Error(`${full} is neither a file nor a link: it can't be part of a build context`);
  }
  for (const name of Object.keys(inputs).sort()) add(hash, "input", name, inputs[name] ?? "");
  return hash.digest("hex");
}

/**
 * Gives every file and folder of a context the mode that {@link contextHash} counts: 0755 or 0644. This undoes the effect of
 * a umask. Git keeps no other modes, so it is never a change to commit.
 */
export function normaliseModes(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = join(folder, entry.name);
    if (entry.isDirectory()) normaliseModes(full);
    else if (entry.isFile()) setMode(full);
  }
  setMode(folder);
}

function setMode(path: string): void {
  const stat = lstatSync(path);
  if ((stat.mode & 0o777) !== mode(stat)) chmodSync(path, mode(stat));
}

/** Folders are always 0755; for a file only the owner's exec bit counts. */
function mode(stat: Stats): number {
  return stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644;
}

/** The files and links that Docker sends: paths with `/`, sorted by code unit, without those in `.dockerignore`. */
function contextFiles(folder: string): string[] {
  const ignore = dockerignore().add(readIfThere(join(folder, ".dockerignore")));
  const walk = (below: string): string[] =>
    readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
  return walk("")
    .filter((path) => ALWAYS_SENT.has(path) || !ignore.ignores(path))
    .sort((a, b) => (a < b ? -1 : 1));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Hashes every part with its length, so that different lists of parts never give the same bytes. */
function add(hash: Hash, ...parts: (string | Buffer)[]): void {
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
}
