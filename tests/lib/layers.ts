import { readdirSync } from "node:fs";
import seconds from "./seconds.json";

/** What one process of mocha runs. */
export interface Task {
  readonly layer: Layer;
  /** What its output is headed with: its file, or its layer. */
  readonly name: string;
  readonly mocha: readonly string[];
  /** How long it takes, about; the longest begin first. */
  readonly seconds: number;
  /** How many lanes it takes: stacks that it has at once, each of which holds a fourth of this machine's CPUs. */
  readonly lanes: number;
}

export const LAYERS = ["unit", "lint", "local", "image", "stack"] as const;
export type Layer = (typeof LAYERS)[number];

/** Layers that run together, and on how many lanes in all and of each: what waits for Docker leaves room for pods. */
export const STAGES: readonly { layers: readonly Layer[]; lanes: number; each: number }[] = [
  { layers: ["unit"], lanes: 1, each: 1 },
  { layers: ["lint", "local"], lanes: 2, each: 1 },
  { layers: ["image", "stack"], lanes: 4, each: 3 },
];

/** Files that have more than one stack at once. */
const STACKS: Readonly<Record<string, number>> = {
  "tests/stack/clone.test.ts": 2,
  "tests/stack/library.test.ts": 2,
  "tests/stack/stacks.test.ts": 2,
};

const SECONDS: Readonly<Record<string, number>> = seconds;

/** For a file of which seconds.json says nothing: it may take long. A run prints each file with its seconds. */
const UNKNOWN = 600;

/** The tasks of these layers and files, of all layers when there are none. */
export function tasksOf(names: readonly string[]): Task[] {
  const wanted = names.length === 0 ? LAYERS : names;
  return LAYERS.flatMap((layer) => {
    const files = filesOf(layer);
    if (wanted.includes(layer)) return tasks(layer, files);
    const named = files.filter((file) => wanted.includes(file));
    return named.map((file) => task(layer, file, [file]));
  });
}

function filesOf(layer: Layer): string[] {
  const names = readdirSync(`tests/${layer}`, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `tests/${layer}/${name}`)
    .sort();
}

function tasks(layer: Layer, files: readonly string[]): Task[] {
  if (layer === "unit") return [task(layer, layer, ["--parallel", "--jobs", "2", ...longestFirst(files)])];
  if (layer === "lint") return [task(layer, layer, files)];
  return files.map((file) => task(layer, file, [file]));
}

/** Mocha hands files out in this order; a long one at the end would leave a core idle. */
function longestFirst(files: readonly string[]): string[] {
  return [...files].sort((a, b) => (SECONDS[b] ?? 0) - (SECONDS[a] ?? 0));
}

function task(layer: Layer, name: string, mocha: readonly string[]): Task {
  return { layer, name, mocha, seconds: SECONDS[name] ?? UNKNOWN, lanes: STACKS[name] ?? 1 };
}

/**
 * The task to begin next, or undefined when what runs has to end first: the longest, of the layer that has less running.
 *
 * @param waiting the longest first
 */
export function next(
  waiting: readonly Task[],
  running: readonly Task[],
  { lanes, each }: { lanes: number; each: number },
): Task | undefined {
  const busy = (layer?: Layer) =>
    running.filter((it) => layer === undefined || it.layer === layer).reduce((sum, it) => sum + it.lanes, 0);
  const fitting = waiting.filter(
    (it) => running.length === 0 || (busy() + it.lanes <= lanes && busy(it.layer) + it.lanes <= each),
  );
  return fitting.sort((a, b) => busy(a.layer) - busy(b.layer))[0];
}
