/**
 * Regenerates the settings table of a major from a real server; the image determines the major:
 *
 *     npm run gucs postgres:19-bookworm
 *
 * Enum values (lz4, io_uring) depend on how PostgreSQL was built, so the table comes from an image and not from a build of ours.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Prints one JSON object per setting. Needs PostgreSQL's programs on PATH, an unprivileged user and `$1`, a folder that does
 * not exist yet. Starts no server: single-user mode reads the catalogue. Loads the modules of the official image whose settings
 * a stack may want.
 */
export const READ_GUCS = `
set -e
initdb -D "$1" --no-sync -U postgres -A trust -E UTF8 --locale=C >/dev/null
postgres --single -D "$1" -c shared_preload_libraries=pg_stat_statements,auto_explain,pg_prewarm,auth_delay template1 >/dev/null 2>"$1/log" <<SQL
load 'plpgsql'
load 'pg_trgm'
load 'passwordcheck'
copy (select json_strip_nulls(json_build_object('name', name, 'context', context, 'type', vartype, 'unit', unit, 'min', case when context <> 'internal' then min_val::float8 end, 'max', case when context <> 'internal' then max_val::float8 end, 'values', enumvals)) from pg_settings order by name collate "C") to '$1/gucs.json'
SQL
cat "$1/gucs.json"
`;

/** Runs {@link READ_GUCS} in an official image, or one built on it. Returns its major and the printed lines. */
export function readImage(image: string): { major: string; lines: string[] } {
  const script = ["-c", `echo "$PG_MAJOR"; ${READ_GUCS}`, "bash", "/tmp/gucs"];
  const run = ["run", "--rm", "--user", "postgres", "--entrypoint", "bash", image, ...script];
  const [major = "", ...lines] = execFileSync("docker", run, { encoding: "utf8" }).trim().split("\n");
  return { major, lines };
}

function main(image: string | undefined): void {
  if (!image) throw new Error("which image? for example: generate.ts postgres:19-bookworm");
  const { major, lines } = readImage(image);
  writeFileSync(join(__dirname, `${major}.json`), `[\n${lines.join(",\n")}\n]\n`);
}

if (require.main === module) main(process.argv[2]);
