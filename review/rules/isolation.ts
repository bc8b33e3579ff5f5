import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step, Values } from "../step";
import { arrow, code, list } from "../words";
import { mild, row } from "./rule";

type Spec = Values | undefined;

const LEVELS = ["restricted", "baseline", "privileged"];

/** Permissions of a pod beyond the Pod Security Standard `restricted` that are new. */
export function isolationRows(step: Step, before: Spec, after: Spec): Row[] {
  const [old, now] = [before, after].map(liberties);
  const open = now?.outside.filter((it) => !old?.outside.includes(it)) ?? [];
  const free = now?.inside.filter((it) => !old?.inside.includes(it)) ?? [];
  return [
    ...when(open, (words) =>
      row(
        step,
        words,
        "opened to the outside",
        "the pod answers at its node's own address, past the Service",
      ),
    ),
    ...when(free, (words) =>
      row(
        step,
        words,
        "weaker isolation",
        "whoever breaks into the server gets further: into the node, or the cluster",
      ),
    ),
  ];
}

/** A label that sets a namespace's Pod Security Standard. */
export function isStandard({ path }: Change): boolean {
  return modeOf(path) !== undefined;
}

function modeOf([, , label = ""]: readonly string[]): string | undefined {
  return /^pod-security\.kubernetes\.io\/(enforce|audit|warn)$/.exec(label)?.[1];
}

/** Parts of the standard that a namespace no longer requests. */
export function standardRows(step: Step): Row[] {
  const changes = step.changes.flatMap(({ path, before, after }) => {
    const mode = modeOf(path);
    return mode !== undefined && rank(before) < rank(after) ? [{ mode, before, after }] : [];
  });
  return changes.map(({ mode, before, after }) => {
    const words = `pod security ${code(mode)}: ${code(String(before))} → ${after === undefined ? "none" : code(String(after))}`;
    return mode === "enforce"
      ? row(step, words, "weaker isolation", "pods with more rights get into the namespace of the database")
      : mild(
          row(
            step,
            words,
            "weaker isolation",
            "pods with more rights are no longer reported; none was refused",
          ),
        );
  });
}

function rank(level: unknown): number {
  const found = LEVELS.indexOf(String(level ?? "privileged"));
  return found < 0 ? LEVELS.length : found;
}

/** Whether the permitted nodes, or the priority, make interruptions of a pod more frequent. */
export function interruptionRows(step: Step, before: Spec, after: Spec): Row[] {
  const [from, to] = [spotOf(before), spotOf(after)];
  const [priority, left] = [before?.priorityClassName, after?.priorityClassName];
  const effect = "may be interrupted";
  const spot = `${code("placement.spot")}: ${code(from)} → ${code(to)}`;
  return [
    ...(SPOT.indexOf(from) < SPOT.indexOf(to)
      ? [
          row(
            step,
            spot,
            effect,
            "the cloud may take its node back at any time: each time is a restart on another node",
          ),
        ]
      : []),
    ...(priority !== undefined && left !== priority
      ? [
          row(
            step,
            arrow("placement.priorityClassName", priority, left),
            effect,
            left === undefined
              ? "pods of a higher priority may push it off its node"
              : "which of the two is higher can't be determined here: other pods may push it off its node",
          ),
        ]
      : []),
  ];
}

const SPOT = ["avoid", "any", "require"];

/** `placement.spot` as k8s/placement.ts writes it: a node label that must be absent, or one that must be present. */
function spotOf(spec: Spec): string {
  const marks = JSON.stringify((spec?.affinity as Values | undefined)?.nodeAffinity ?? {});
  if (!/spot|capacity/i.test(marks)) return "any";
  return marks.includes('"NotIn"') ? "avoid" : "require";
}

/** What a pod may do although `restricted` forbids it; `outside` is reachable from the network. */
function liberties(spec: Spec): { inside: string[]; outside: string[] } {
  if (spec === undefined) return { inside: [], outside: [] };
  const all = [...objects(spec.containers), ...objects(spec.initContainers)];
  const host = ["hostPID", "hostIPC"].filter((key) => spec[key] === true);
  const volumes = objects(spec.volumes).flatMap(({ name, hostPath }) =>
    hostPath ? [`the node's files by volume ${code(String(name))}`] : [],
  );
  const token = spec.automountServiceAccountToken === false ? [] : ["a token for the API server"];
  return {
    inside: [
      ...host,
      ...volumes,
      ...token,
      ...all.flatMap((it) => libertiesOf(it, spec.securityContext as Spec)),
    ],
    outside: [
      ...(spec.hostNetwork === true ? ["hostNetwork"] : []),
      ...all.flatMap(({ ports }) =>
        objects(ports).flatMap(({ hostPort }) => (hostPort ? [`hostPort ${hostPort}`] : [])),
      ),
    ],
  };
}

function libertiesOf(container: Values, pod: Spec): string[] {
  const own = (container.securityContext ?? {}) as Values;
  const seccomp = ((own.seccompProfile ?? pod?.seccompProfile) as Values | undefined)?.type;
  const { add = [], drop = [] } = (own.capabilities ?? {}) as { add?: string[]; drop?: string[] };
  const found: readonly (readonly [boolean, string])[] = [
    [own.privileged === true, "privileged"],
    [own.allowPrivilegeEscalation !== false, "privilege escalation"],
    [!drop.includes("ALL"), "capabilities that are not dropped"],
    [add.length > 0, `the capabilities ${list(add)}`],
    [own.readOnlyRootFilesystem !== true, "a root file system that can be written"],
    [(own.runAsNonRoot ?? pod?.runAsNonRoot) !== true, "root"],
    [(own.runAsUser ?? pod?.runAsUser) === 0, "user 0"],
    [seccomp === undefined || seccomp === "Unconfined", "system calls without a seccomp profile"],
  ];
  return found.filter(([is]) => is).map(([, what]) => what);
}

function objects(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value : [];
}

function when(found: readonly string[], tell: (words: string) => Row): Row[] {
  return found.length > 0 ? [tell(`the pod now has: ${list([...new Set(found)])}`)] : [];
}
