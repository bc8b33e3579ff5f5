import { execFileSync, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { load } from "js-yaml";
import type { Answer, Order } from "./child";
import { UsageError } from "./usage";

/** The renderer: this checkout's files replace the version's own. */
const RENDERER = ["register.js", "render/mocks.ts", "render/record.ts", "review/child.ts"];

/** Milliseconds for all stacks of one version; one takes about 2 s. */
const DEADLINE = 120_000;

/** One version of the program, unpacked into a folder. */
export interface Version {
  readonly folder: string;
  /** Stacks with a file. */
  readonly stacks: readonly string[];
}

export interface Versions {
  readonly before: Version;
  readonly after: Version;
  /** Removes the unpacked files. */
  remove(): void;
}

/**
 * Unpacks a commit next to this checkout. Fetches nothing and leaves nothing in the repository, even after a kill.
 *
 * @param root folder of the project, inside its repository
 * @param base any name of a commit
 */
export function unpack(root: string, base: string): Versions {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const commit = nameOf(base, git);
  const prefix = git("rev-parse", "--show-prefix").toString().trim();
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-review-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const archive = join(folder, "archive.tar");
    git("archive", "--format=tar", "-o", archive, `${commit}:${prefix}`);
    execFileSync("tar", ["-xf", archive, "-C", folder]);
    for (const file of RENDERER) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      copyFileSync(join(root, file), join(folder, file));
    }
    for (const shared of ["node_modules", "local.env"]) {
      if (existsSync(join(root, shared))) symlinkSync(join(root, shared), join(folder, shared));
    }
    return { before: version(folder), after: version(root), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function nameOf(base: string, git: (...args: string[]) => Buffer): string {
  try {
    return git("rev-parse", "--verify", "--quiet", "--end-of-options", `${base}^{commit}`).toString().trim();
  } catch {
    throw new UsageError(
      `${base} is not a commit of this repository. In a shallow checkout, fetch it first: git fetch --depth=1 origin <branch>`,
    );
  }
}

function version(folder: string): Version {
  const stacks = readdirSync(folder).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  return { folder, stacks };
}

/** Renders stacks of both versions in parallel, each version in a separate process. */
export async function renderBoth(
  { before, after }: Versions,
  stacks: readonly string[],
): Promise<Answer[][]> {
  const key = randomBytes(32).toString("hex");
  return Promise.all(
    [before, after].map(({ folder, stacks: known }) =>
      render(folder, { key, stacks: stacks.filter((stack) => known.includes(stack)) }),
    ),
  );
}

/** Renders stacks of one version in a separate process. */
export function render(folder: string, order: Order): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const child = fork(join(folder, "review/child.ts"), {
      cwd: folder,
      execArgv: ["--require", join(folder, "register.js")],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      timeout: DEADLINE,
    });
    let stderr = "";
    child.stderr?.on("data", (data) => {
      stderr += data;
    });
    let answers: Answer[] | undefined;
    child.on("message", (message) => {
      answers = message as Answer[];
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (answers) resolve(answers);
      else reject(new UsageError(`rendering in ${folder} ended with ${code}:\n${stderr.slice(-2000)}`));
    });
    child.send(order);
  });
}

/** The values of a stack's file, over the fixed values of Pulumi.yaml; unchecked. */
export function stackConfig(version: Version, stack: string): Record<string, unknown> {
  const { config: declared = {} } = read(version, "Pulumi.yaml");
  const fixed = Object.entries(declared).map(([key, it]) => [key, (it as { value?: unknown } | null)?.value]);
  return { ...Object.fromEntries(fixed), ...stackFile(version, stack).config };
}

interface ConfigFile {
  readonly config?: Record<string, unknown>;
  /** Imported environments of Pulumi ESC. */
  readonly environment?: unknown;
}

export function stackFile(version: Version, stack: string): ConfigFile {
  return read(version, `Pulumi.${stack}.yaml`);
}

function read({ folder }: Version, file: string): ConfigFile {
  return (load(readFileSync(join(folder, file), "utf8")) ?? {}) as ConfigFile;
}
