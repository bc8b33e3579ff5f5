import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, remove } from "../image/prepare";
import { LAYERS, next, STAGES, type Task, tasksOf } from "./layers";

/** The outcome of a task, with the title and the details of each failure. */
interface Result {
  passed: number;
  failed: number;
  skipped: number;
  titles: readonly string[];
  details: string;
}
interface Ended {
  task: Task;
  result: Result;
  began: number;
  ended: number;
}

const folder = mkdtempSync(join(tmpdir(), "postgres-stack-tests-"));
const all: Ended[] = [];
let started = 0;

/** Runs a task to its end. Its output is shown as it comes when it is the only one, else in one piece. */
function run(task: Task, alone: boolean): Promise<void> {
  const file = join(folder, `${++started}.json`);
  const mocha = ["node_modules/mocha/bin/mocha.js", "--reporter", "tests/reporter.cjs", ...task.mocha];
  const began = Date.now();
  const child = spawn(process.execPath, mocha, {
    // what one process has compiled, the others load: a third of the CPU of a start, of Pulumi's programs too
    env: {
      NODE_COMPILE_CACHE: join(folder, "compiled"),
      ...process.env,
      TEST_RESULT: file,
      TEST_FOLDER: folder,
    },
    stdio: ["ignore", alone ? "inherit" : "pipe", alone ? "inherit" : "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      for (const signal of SIGNALS) process.off(signal, passOn);
      const ended = Date.now();
      all.push({ task, result: read(file, task.name, code ?? signal), began, ended });
      if (!alone) console.log(`==== ${task.name}, ${seconds(began, ended)} s\n${output}`);
      resolve();
    });
  });
}

/** What a process has counted; one that broke down before, or after, has not passed. */
function read(file: string, name: string, end: number | string | null): Result {
  let result: Result = { passed: 0, failed: 0, skipped: 0, titles: [], details: "" };
  try {
    result = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    result.details = `\n  ${name} ended with ${end} before its tests were counted`;
  }
  if (end !== 0 && result.failed === 0) {
    result.failed = 1;
    result.titles = [`it ended with ${end}`];
    result.details ||= `\n  ${name} ended with ${end} after its tests had passed`;
  }
  return result;
}

const seconds = (began: number, ended: number) => Math.round((ended - began) / 1000);

let stopped = false;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
for (const signal of SIGNALS) {
  process.on(signal, () => {
    stopped = true;
  });
}

/** Runs tasks side by side, as many as there are lanes. */
async function runAll(tasks: readonly Task[], limits: { lanes: number; each: number }): Promise<void> {
  const waiting = [...tasks].sort((a, b) => b.seconds - a.seconds);
  const running = new Map<Task, Promise<void>>();
  const alone = tasks.length === 1;
  for (;;) {
    for (;;) {
      const task = stopped ? undefined : next(waiting, [...running.keys()], limits);
      if (!task) break;
      waiting.splice(waiting.indexOf(task), 1);
      const end = run(task, alone).then(() => {
        running.delete(task);
      });
      running.set(task, end);
    }
    if (running.size === 0) return;
    await Promise.race(running.values());
  }
}

const count = (ended: readonly Ended[], what: "passed" | "failed" | "skipped") =>
  ended.reduce((sum, { result }) => sum + result[what], 0);
const counts = (ended: readonly Ended[]) =>
  (["passed", "failed", "skipped"] as const).map((what) => `${count(ended, what)} ${what}`).join(", ");

/** Says of each layer how it went and how long it took, from its first test to its last: layers may run side by side. */
function sayLayers(): void {
  for (const layer of LAYERS) {
    const ended = all.filter(({ task }) => task.layer === layer);
    if (ended.length === 0) continue;
    const began = Math.min(...ended.map((it) => it.began));
    console.log(
      `${layer}: ${counts(ended)} in ${seconds(began, Math.max(...ended.map((it) => it.ended)))} s`,
    );
  }
}

async function main(): Promise<void> {
  const tasks = tasksOf(process.argv.slice(2));
  const images = tasks.some(({ layer }) => layer === "image");
  for (const { layers, ...limits } of STAGES) {
    const those = tasks.filter(({ layer }) => layers.includes(layer));
    if (images && layers.includes("image")) await build();
    await runAll(those, limits);
  }
  if (images) await remove();
  rmSync(folder, { recursive: true });
  const failed = all.filter(({ result }) => result.failed > 0);
  if (all.length > 1)
    for (const { task, result } of failed) console.log(`==== ${task.name}${result.details}\n`);
  // once more in short, as logs are often cut to their end
  for (const { task, result } of failed)
    for (const title of result.titles) console.log(`failed: ${task.name}: ${title}`);
  sayLayers();
  console.log(counts(all));
  process.exitCode = failed.length > 0 || stopped ? 1 : 0;
}

void main();
