/**
 * `make bench ARGS=plan`: runs a restore's preflight on archives with many segments, and prints the table of
 * docs/performance.md. Needs only Docker; its own store holds just the segments' names.
 */

import { fail } from "../local/fail";
import { docker, IMAGE, prepareImage, runOnce } from "../tests/image/docker";
import { largeArchive } from "../tests/lib/large-store";
import { table } from "./table";

const SIZES = (process.env.BENCH_SEGMENTS ?? "1000 300000 1000000").split(" ").map(Number);

/** Prints seconds, CPU seconds in two parts, and the container's peak memory in bytes (the second file is for older kernels). */
const SCRIPT = `
  TIMEFORMAT='%R %U %S'
  { time entrypoint.sh restore.sh --preflight >/tmp/said 2>&1; } 2>&1
  grep -q 'clone would use' /tmp/said || { cat /tmp/said >&2; exit 1; }
  cat /sys/fs/cgroup/memory.peak 2>/dev/null || cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes`;

async function measure(segments: number): Promise<string[]> {
  const store = largeArchive(segments);
  await store.start();
  try {
    const { code, stdout, stderr } = await runOnce(
      [...store.options(), "--memory", "2g", "--memory-swap", "2g"],
      ["bash", "-eo", "pipefail", "-c", SCRIPT],
    );
    const [seconds, user, system, bytes] = stdout.split(/\s+/).map(Number);
    if (code !== 0 || !seconds || !bytes) throw new Error(`${segments} segments: ${stdout}\n${stderr}`);
    const times = [seconds, (user ?? 0) + (system ?? 0)].map((time) => time.toFixed(1));
    const row = [segments.toLocaleString("en"), ...times, String(Math.round(bytes / 2 ** 20))];
    console.error(row.join(" | "));
    return row;
  } finally {
    await store.stop();
  }
}

async function main(): Promise<void> {
  await prepareImage();
  try {
    const rows: string[][] = [];
    for (const segments of SIZES) rows.push(await measure(segments));
    console.log(table(["segments", "seconds", "of CPU", "MiB"], rows));
  } finally {
    await docker(["rmi", "-f", IMAGE]);
  }
}

main().catch(fail);
