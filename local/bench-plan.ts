/**
 * `make bench ARGS=plan`: looks before a restore at archives of many segments, and prints the table of docs/performance.md. Needs
 * Docker alone; the store is one of its own, which has only the names of the segments.
 */
import { docker, IMAGE, prepareImage, runOnce } from "../tests/image/docker";
import { largeArchive } from "../tests/lib/large-store";
import { fail } from "./fail";

const SIZES = (process.env.BENCH_SEGMENTS ?? "1000 300000 1000000").split(" ").map(Number);

/** Prints seconds and the most memory of the container in bytes; the second file is that of older kernels. */
const SCRIPT = `
  began="$EPOCHREALTIME"
  entrypoint.sh restore.sh --preflight 2>&1 | grep 'clone would use' >&2
  awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { print ended - began }'
  cat /sys/fs/cgroup/memory.peak 2>/dev/null || cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes`;

async function measure(segments: number): Promise<string> {
  const store = largeArchive(segments);
  await store.start();
  try {
    const { code, stdout, stderr } = await runOnce(
      [...store.options(), "--memory", "2g", "--memory-swap", "2g"],
      ["bash", "-eo", "pipefail", "-c", SCRIPT],
    );
    const [seconds, bytes] = stdout.split("\n").map(Number);
    if (code !== 0 || !seconds || !bytes) throw new Error(`${segments} segments: ${stdout}\n${stderr}`);
    return `| ${segments.toLocaleString("en")} | ${seconds.toFixed(1)} | ${Math.round(bytes / 2 ** 20)} |`;
  } finally {
    await store.stop();
  }
}

async function main(): Promise<void> {
  await prepareImage();
  try {
    console.log("| segments | seconds | MiB |\n|---|---|---|");
    for (const segments of SIZES) console.log(await measure(segments));
  } finally {
    await docker(["rmi", "-f", IMAGE]);
  }
}

main().catch(fail);
