import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "./effects";
import { arrow } from "./words";

interface Lock {
  readonly packages?: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

/**
 * Packages of the program whose version differs. Both versions render with this checkout's packages, so no other row shows
 * what a package itself does differently.
 */
export function packageRows(before: string, after: string): Row[] {
  const [old, now] = [versions(before), versions(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  const changed = names.filter((name) => old[name] !== now[name]);
  const first = changed.filter((name) => name.startsWith("@pulumi/"));
  const shown = [...first, ...changed.filter((name) => !first.includes(name))].slice(0, 5);
  if (shown.length === 0) return [];
  const more = changed.length > shown.length ? `; ${changed.length - shown.length} more` : "";
  return [
    {
      resource: "package-lock.json",
      change: shown.map((name) => arrow(name, old[name], now[name])).join("; ") + more,
      effect: "unknown",
      data: changed.some((name) => name.startsWith("@pulumi/") && major(old[name]) !== major(now[name])),
      why: "both versions were rendered with the packages of this checkout: only a preview of the stack shows what the new packages change",
    },
  ];
}

/** A provider's next major may replace existing objects. */
function major(version: string | undefined): string | undefined {
  return version?.split(".")[0];
}

/** Versions by name, without development dependencies. */
function versions(folder: string): Record<string, string | undefined> {
  const { packages = {} } = readLock(join(folder, "package-lock.json"));
  const used = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  return Object.fromEntries(
    used.map(([path, { version }]) => [path.replace(/^node_modules\//, ""), version]),
  );
}

function readLock(file: string): Lock {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
