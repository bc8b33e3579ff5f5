/** Runs a rehearsal's Job with kubectl and cleans up. */
import { spawn } from "node:child_process";
import { Hopeless, run, until } from "../local/process";
import { CLONE, REHEARSAL_LABEL, type rehearsalJob, UPGRADE } from "./job";

type Job = ReturnType<typeof rehearsalJob>;

/** Seconds for the image pull and the volume, and for the removal of everything. */
const STARTED = 900;
const REMOVED = 300;
const DAY = 24 * 3600;

/** The Job starts no second pod. */
const GONE =
  "the rehearsal's pod was preempted, evicted or deleted. The stack was not touched; run the rehearsal again";

/** `YYYY-MM-DD HH:MM:SS UTC LEVEL [component] message`: lib/common/log.sh of the image. */
const LOG_LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: UTC [A-Z]+ \[[\w-]+\] )?/;

export function kubectl(namespace: string, args: readonly string[], input?: string): Promise<string> {
  return run("kubectl", ["--namespace", namespace, ...args], { input });
}

/**
 * Creates the Job, shows its log on stderr while it runs, and prints its report. Always removes the Job, its pod and its volume,
 * even if a signal ends this process.
 *
 * @returns 0, or 1 if the rehearsal found problems or did not finish
 */
export async function carryOut(job: Job): Promise<0 | 1> {
  const { namespace, labels } = job.metadata;
  const selector = `${REHEARSAL_LABEL}=${labels[REHEARSAL_LABEL]}`;
  const remove = () => removeAll(namespace, selector);
  const interrupted = (signal: NodeJS.Signals) => {
    console.error(`${signal}: the rehearsal was stopped and removed`);
    remove().finally(() => process.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupted);
  try {
    await kubectl(namespace, ["create", "--filename", "-"], JSON.stringify(job));
    const pod = await follow(namespace, selector);
    const log = await kubectl(namespace, ["logs", pod.metadata.name, "--container", UPGRADE]).catch(() => "");
    const report = reportIn(log);
    if (report) console.log(report);
    const problem = problemOf(pod) ?? (report ? undefined : "it printed no report");
    if (problem) console.error(`error: the rehearsal failed: ${problem}. The stack was not touched.`);
    return problem ? 1 : 0;
  } finally {
    await remove();
  }
}

/** The Markdown in a container's log: from its first heading on, without log lines. */
export function reportIn(log: string): string {
  const lines = log.split("\n").filter((line) => !LOG_LINE.test(line));
  const start = lines.findIndex((line) => line.startsWith("#"));
  return start < 0 ? "" : lines.slice(start).join("\n").trimEnd();
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly phase?: string;
    readonly message?: string;
    readonly initContainerStatuses?: readonly Status[];
    readonly containerStatuses?: readonly Status[];
    readonly conditions?: readonly { readonly status: string; readonly message?: string }[];
  };
}
interface Status {
  readonly name: string;
  readonly state: {
    readonly running?: object;
    readonly terminated?: { readonly exitCode: number; readonly message?: string };
    readonly waiting?: { readonly reason?: string; readonly message?: string };
  };
}

/** Shows the containers' logs one after the other until the pod has ended. */
async function follow(namespace: string, selector: string): Promise<Pod> {
  let seen = false;
  const look = async () => {
    const list = await kubectl(namespace, ["get", "pod", "--selector", selector, "--output", "json"]);
    const [pod] = (JSON.parse(list) as { items: Pod[] }).items;
    if (seen && pod === undefined) throw new Hopeless(GONE);
    seen ||= pod !== undefined;
    return pod;
  };
  for (const [container, seconds] of [
    [CLONE, STARTED],
    [UPGRADE, DAY],
  ] as const) {
    const pod = await until(
      `the rehearsal's container ${container} has begun`,
      async () => {
        const found = await look();
        if (found === undefined) return undefined;
        if (hasEnded(found) || hasBegun(found, container)) return found;
        throw new Error(whyPending(found));
      },
      seconds,
    );
    if (hasBegun(pod, container)) await showLog(pod.metadata.name, namespace, container);
  }
  return until(
    "the rehearsal has ended",
    async () => {
      const pod = await look();
      return pod && hasEnded(pod) && pod;
    },
    DAY,
  );
}

const hasEnded = ({ status }: Pod) => status.phase === "Succeeded" || status.phase === "Failed";

const statusesOf = ({ status }: Pod) => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
];

function hasBegun(pod: Pod, container: string): boolean {
  const { running, terminated } = statusesOf(pod).find(({ name }) => name === container)?.state ?? {};
  return running !== undefined || terminated !== undefined;
}

function whyPending(pod: Pod): string {
  const waiting = statusesOf(pod).map(({ state }) => state.waiting);
  const reasons = [
    ...waiting.map((it) => it && [it.reason, it.message].filter(Boolean).join(": ")),
    ...(pod.status.conditions ?? []).map(({ status, message }) => status === "False" && message),
  ];
  return reasons.filter(Boolean).join("; ") || "it waits";
}

function problemOf(pod: Pod): string | undefined {
  if (pod.status.phase === "Succeeded") return undefined;
  const failed = statusesOf(pod).find(({ state }) => state.terminated && state.terminated.exitCode !== 0);
  const { exitCode, message } = failed?.state.terminated ?? {};
  const last = message?.trim().split("\n").at(-1)?.replace(LOG_LINE, "");
  return (
    last ||
    pod.status.message ||
    `the container ${failed?.name ?? ""} ended with ${exitCode ?? "an unknown code"}`
  );
}

/** Streams until the container ends or the connection breaks; the caller reads the log again at the end. */
function showLog(pod: string, namespace: string, container: string): Promise<void> {
  const args = ["--namespace", namespace, "logs", "--follow", pod, "--container", container];
  return new Promise((resolve) => {
    const child = spawn("kubectl", args, { stdio: ["ignore", 2, 2] });
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
}

/** The pod owns the volume, which is deleted with it. */
async function removeAll(namespace: string, selector: string): Promise<void> {
  const all = ["--selector", selector, "--ignore-not-found"];
  await kubectl(namespace, ["delete", "job", ...all, "--cascade=foreground", `--timeout=${REMOVED}s`]);
  await until(
    "nothing is left of the rehearsal",
    async () => (await kubectl(namespace, ["get", "job,pod,pvc", ...all, "--output", "name"])) === "",
    REMOVED,
  );
}
