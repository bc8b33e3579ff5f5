/** The configuration that a stack's pod would have, for a server without a container. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { majorOfData, serverEnvironment } from "../../k8s/inputs";
import { renderStack } from "../../render/mocks";
import type { RenderedResource } from "../../render/record";
import type { Home } from "./home";

const imageConfig = resolve(__dirname, "../../docker-context/config");

/** Content by path below `etc/`. */
export type Files = ReadonlyMap<string, string>;

export interface Configuration {
  readonly files: Files;
  /** Sentences about settings that the npm build of PostgreSQL doesn't support. */
  readonly notes: readonly string[];
  /** The application's role and database. */
  readonly role: string;
  readonly database: string;
}

/**
 * Renders the stack with mocks and extracts what the pod mounts.
 *
 * @throws the program's own error if the stack's settings are wrong
 */
export async function loadConfiguration(stack: string, home: Home): Promise<Configuration> {
  const { resources } = await renderStack(stack, { secrets: (plain) => plain });
  requireMajor(resources, home);
  const conf = find(resources, "ConfigMap", ({ metadata }) => metadata.name.endsWith("-conf")).data;
  const app = find(resources, "Secret", ({ stringData }) => stringData.database !== undefined).stringData;
  const notes: string[] = [];
  const files = new Map<string, string>();
  for (const name of readdirSync(imageConfig)) {
    files.set(name, adapt(readFileSync(join(imageConfig, name), "utf8"), home, notes));
  }
  for (const [name, text] of Object.entries(conf)) files.set(join("conf.d", name), adapt(text, home, notes));
  return { files, notes, role: app.username ?? "", database: app.database ?? "" };
}

/** The npm build has one major. */
function requireMajor(resources: RenderedResource[], { native }: Home): void {
  const server = resources.find(({ type }) => type === "kubernetes:apps/v1:StatefulSet");
  const wanted = majorOfData(serverEnvironment(server?.inputs).PGDATA);
  const version = execFileSync(join(native, "bin/postgres"), ["--version"], { encoding: "utf8" });
  const there = Number(/ (\d+)/.exec(version)?.[1]);
  if (wanted !== there) {
    throw new Error(
      `the stack requests PostgreSQL ${wanted}, and the npm build is ${there}; nothing was started. Use a cluster, or postgres.version: ${there}.`,
    );
  }
}

interface Inputs {
  metadata: { name: string };
  data: Record<string, string>;
  stringData: Record<string, string>;
}

function find(resources: RenderedResource[], kind: string, match: (inputs: Inputs) => boolean): Inputs {
  const ofKind = resources.filter(({ type }) => type === `kubernetes:core/v1:${kind}`);
  const found = ofKind.map(({ inputs }) => inputs as unknown as Inputs).find(match);
  if (!found) throw new Error(`The program renders no ${kind} that an embedded server could use.`);
  return found;
}

/** Values of settings that the npm build doesn't support, and their replacements. */
const REPLACED: Readonly<Record<string, { missing: RegExp; by: string }>> = {
  wal_compression: { missing: /^(lz4|zstd)$/, by: "pglz" },
  default_toast_compression: { missing: /^lz4$/, by: "pglz" },
  io_method: { missing: /^io_uring$/, by: "worker" },
};

function adapt(text: string, home: Home, notes: string[]): string {
  const folder = home.folder.replace(/[\\']/g, "$&$&"); // the paths appear in single quotes
  const moved = text
    .replaceAll("/etc/postgresql/", () => `${folder}/etc/`)
    .replaceAll("/run/postgres-stack/", () => `${folder}/run/`);
  return moved.replace(/^(\w+)(\s*=\s*'?)(\w+)/gm, (line, name: string, between: string, value: string) => {
    const replaced = REPLACED[name];
    if (!replaced?.missing.test(value)) return line;
    notes.push(`${name} is ${replaced.by}, not ${value}, which the npm build of PostgreSQL lacks`);
    return name + between + replaced.by;
  });
}

/** The files that an earlier run wrote. */
export function writtenFiles(home: Home): Files {
  const etc = join(home.folder, "etc");
  if (!existsSync(etc)) return new Map();
  const names = readdirSync(etc, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(etc.length + 1), readFileSync(path, "utf8")]));
}

/** Replaces any existing files. */
export function writeFiles(home: Home, files: Files): void {
  const etc = join(home.folder, "etc");
  rmSync(etc, { recursive: true, force: true });
  for (const folder of [etc, join(etc, "conf.d"), join(home.folder, "run")]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (home.user) chownSync(folder, home.user.uid, home.user.gid);
  }
  // where the image's entrypoint writes settings that depend on its environment
  writeFileSync(join(home.folder, "run/generated.conf"), "listen_addresses = '127.0.0.1'\n");
  for (const [name, text] of files) {
    writeFileSync(join(etc, name), text, { mode: 0o600 });
    if (home.user) chownSync(join(etc, name), home.user.uid, home.user.gid);
  }
}
