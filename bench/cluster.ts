/** `make bench`: benchmarks a stack of its own on a cluster, and prints the table of docs/performance.md. */
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pins from "../image/pins.json";
import { fail } from "../local/fail";
import { type Result, run, until } from "../local/process";
import { Client } from "../tests/stack/client";
import { SMALL, TestStack } from "../tests/stack/stack";
import { table } from "./table";

const ROOT = resolve(__dirname, "..");
const PREVIEWS = 5;

async function main(): Promise<void> {
  const stack = new TestStack("bench", { ...SMALL, backup: { schedule: "0 3 1 1 *" } });
  const empty = emptyProject();
  const rows = await measure(stack, empty).finally(async () => {
    await stack.remove();
    empty.remove();
  });
  console.log(table(["what", "measured"], rows));
}

async function measure(stack: TestStack, empty: EmptyProject): Promise<[string, string][]> {
  const unit = await seconds(() => run("tests/run", ["unit"], { cwd: ROOT }));
  await stack.create();
  await stack.up(); // builds and pushes the image, and gets it onto the node
  await stack.pulumi(["destroy", "--yes", "--skip-preview"]);
  const up = await seconds(async () => {
    await stack.up();
    await stack.sql("SELECT 1");
  });
  await empty.pulumi("stack", "init", "bench");
  await empty.pulumi("up", "--yes", "--skip-preview");
  const [ours, floor] = await inTurn(
    async () => expectNoChange(await stack.preview(["--expect-no-changes"])),
    () => empty.pulumi("preview", "--expect-no-changes"),
  );
  const restarts = [await outage(stack), await outage(stack), await outage(stack)];
  const size = await imageSize(stack.outputs.tag ?? "");
  return [
    ["preview without a change", `${ours.toFixed(1)} s`],
    ["the same for an empty program with the same SDKs", `${floor.toFixed(1)} s`],
    ["ratio of the two", (ours / floor).toFixed(2)],
    ["up from nothing to the first query, image present", `${up.toFixed(0)} s`],
    ["planned restart: time without an answer, no load", `${median(restarts).toFixed(1)} s`],
    ["image over its base", `${(size / 1e6).toFixed(0)} MB`],
    ["unit tests", `${unit.toFixed(0)} s`],
  ];
}

/** The longest outage that a client sees when it keeps asking while the pod is replaced. */
async function outage(stack: TestStack): Promise<number> {
  const client = new Client(stack, "asking");
  await client.start(
    'while sleep 0.05; do if timeout 1 psql -XAtqc "SELECT 1" >/dev/null 2>&1; then date +%s.%N; fi; done',
  );
  const answers = async () => (await client.logs()).split("\n").filter(Boolean).map(Number);
  const more = async () => {
    const before = (await answers()).length;
    await until("more answers", async () => (await answers()).length > before + 20);
  };
  await more();
  await stack.kubectl(["rollout", "restart", "statefulset/postgres"]);
  await stack.kubectl(["rollout", "status", "statefulset/postgres", "--timeout=300s"]);
  await more();
  const times = await answers();
  await client.stop();
  return Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? time)));
}

interface EmptyProject {
  pulumi(...args: string[]): Promise<void>;
  remove(): void;
}

/** A program that imports the SDKs and does nothing, with its own backend. */
function emptyProject(): EmptyProject {
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-empty-"));
  const sdks = ["docker", "kubernetes", "pulumi", "random"];
  for (const file of ["tsconfig.json", "package.json"]) copyFileSync(join(ROOT, file), join(folder, file));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: empty\nruntime: nodejs\nmain: index.ts\n");
  writeFileSync(join(folder, "index.ts"), sdks.map((name) => `import "@pulumi/${name}";\n`).join(""));
  const env = { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "empty" };
  const pulumi = async (...args: string[]) => {
    await run("pulumi", [...args, "--non-interactive"], { cwd: folder, env });
  };
  return { pulumi, remove: () => rmSync(folder, { recursive: true }) };
}

/** Medians of both, run alternately so that load on the machine affects both. */
async function inTurn(a: () => Promise<void>, b: () => Promise<void>): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < PREVIEWS; i++) {
    times[0].push(await seconds(a));
    times[1].push(await seconds(b));
  }
  return [median(times[0]), median(times[1])];
}

function expectNoChange({ code, stdout, stderr }: Result): void {
  if (code !== 0)
    throw new Error(`a preview right after an update failed or finds changes\n${stdout}${stderr}`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Size of the image in this machine's Docker in bytes, without its base image. */
async function imageSize(tag: string): Promise<number> {
  const size = async (reference: string) =>
    Number(await run("docker", ["image", "inspect", "--format", "{{.Size}}", reference]));
  const built = await run("docker", [
    "image",
    "ls",
    "--format",
    "{{.Repository}}:{{.Tag}}",
    "--filter",
    `reference=*/postgres-stack:${tag}`,
  ]);
  return (
    (await size(built.split("\n")[0] ?? "")) - (await size(process.env.BASE_IMAGE ?? pins.baseImage["18"]))
  );
}

main().catch(fail);
