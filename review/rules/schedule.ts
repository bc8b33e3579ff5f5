import { serverEnvironment } from "../../k8s/inputs";
import { compareQuantities } from "../../settings/quantity";
import { type Change, changesOf } from "../diff";
import type { Row } from "../effects";
import { type Rhythm, rhythmOf } from "../rhythm";
import { at, isOurs, type Step, type Values } from "../step";
import { arrow, span } from "../words";
import { abandoned, placeOf } from "./archive";
import { isolationRows } from "./isolation";
import { below, isActedOn, isMetadata, paths, type Rule, row, serverOf, unknown, variable } from "./rule";

const POD = ["spec", "jobTemplate", "spec", "template", "spec"];
const JOB = [...POD, "containers", "backup"];

/** The image's default. */
const RETAIN = "7";

/** The ratio of reach below which backups count as deleted: a few minutes a day don't matter. */
const SOONER = 0.95;

const DAY = 86_400_000;

/** The schedule of base backups: it leaves the server alone, but decides what can be restored. */
export const schedule: Rule = (step, { steps }) => {
  const { operation, changes } = step;
  if (operation === "create")
    return isOurs(step) && !step.name.endsWith("-backup")
      ? [unknown(step, "created", "what it does beside the server, again and again, is not known", true)]
      : [row(step, "created", "nothing", "base backups are taken beside the server")];
  if (!isOurs(step)) return [unknown(step, paths(step), "what it does is not known", false)];
  if (operation === "delete") {
    const why = `no base backup is taken any more. ${abandoned(placeOf(environmentOf(step.before)))}`;
    return [row(step, "deleted", "backups end", why)];
  }
  const told = protectionRows(step);
  const anew = operation === "update" ? [] : [row(step, paths(step), "nothing", ANEW)];
  const rest = changes.filter(
    ({ path }) =>
      !isMetadata(path) && !isName(path, operation) && !told.some((it) => below(path, ...it.path)),
  );
  const other = rest.filter((change) => !isHarmless(change, serverOf(step, steps)));
  const words = rest.filter((it) => !other.includes(it)).map(inWords);
  const rows = [...anew, ...told.flatMap((it) => it.rows)];
  if (other.length > 0) {
    const change = paths({ ...step, changes: other });
    rows.push(
      row(step, change, "backups end", "whether a base backup is still taken can't be determined from here"),
    );
  }
  if (words.length === 0 && rows.length > 0) return rows;
  const why = "counts from the next base backup on";
  return [...rows, row(step, words.length > 0 ? words.join("; ") : paths(step), "nothing", why)];
};

const ANEW = "recreated; a running base backup is cut off";

/** Paths that identify the object and change nothing else. */
function isName(path: readonly string[], operation: Step["operation"]): boolean {
  return operation !== "update" && /^(metadata\.(name|namespace)|provider)$/.test(path.join("."));
}

/** Parts of a schedule that don't decide whether a backup is taken, or that have their own row. */
const HARMLESS = [
  /^spec\.(schedule|suspend|timeZone|successfulJobsHistoryLimit|failedJobsHistoryLimit)$/,
  /^spec\.jobTemplate\.(metadata|spec\.(backoffLimit|ttlSecondsAfterFinished|podFailurePolicy|template\.metadata))/,
  /\.template\.spec\.(host(Network|PID|IPC)|automountServiceAccountToken|securityContext|priorityClassName|imagePullSecrets)/,
  /\.containers\.backup\.(ports|imagePullPolicy|terminationMessagePolicy|securityContext|resources\.requests|env\.BACKUP_RETAIN)/,
  /\.volumeMounts\.data\.readOnly$/,
];
const USER = /securityContext\.(runAsUser|runAsGroup|fsGroup)$/;

/** The minimum memory of a base backup (k8s/backup.ts). */
const MEMORY = "128Mi";

/** Whether base backups continue as before: the change doesn't affect them, or affects the server alike. */
function isHarmless({ path, before, after }: Change, server: Step | undefined): boolean {
  const text = path.join(".");
  if (isActedOn({ path }) || /workload\.identity/.test(text)) return alsoOfServer(path, after, server);
  if (HARMLESS.some((it) => it.test(text)) && !USER.test(text)) return true;
  if (/Seconds$/.test(text))
    return Number(after ?? Number.POSITIVE_INFINITY) >= Number(before ?? 0) && before !== undefined;
  if (text.endsWith("resources.limits.cpu")) return true;
  if (text.endsWith("resources.limits.memory")) return compareQuantities(String(after), MEMORY) >= 0;
  if (!below(path, ...POD)) return false;
  const pods = [server?.before, server?.after].map((inputs) => at(inputs, "spec", "template", "spec"));
  const own = path.slice(POD.length).map((key, i) => (i === 1 && key === "backup" ? "postgres" : key));
  const same = changesOf(pods[0], pods[1]).some(
    (it) => it.path.join(".") === own.join(".") && JSON.stringify(it.after) === JSON.stringify(after),
  );
  const nodes = own[0] === "affinity" && own[1] === "nodeAffinity";
  return same || (nodes && JSON.stringify(at(pods[1] as Values, ...own)) === JSON.stringify(after));
}

/** Whether the server's pod gets the same label or annotation. */
function alsoOfServer(path: readonly string[], after: unknown, server: Step | undefined): boolean {
  const own = ["spec", ...path.slice(POD.length - 2)].join(".");
  return server?.changes.some((it) => it.path.join(".") === own && it.after === after) === true;
}

/** Rows, and the path of the change that they report. */
interface Told {
  readonly path: readonly string[];
  readonly rows: readonly Row[];
}

function protectionRows(step: Step): Told[] {
  const [before, after] = [step.before, step.after].map((inputs) => at(inputs, ...POD) as Values | undefined);
  const found: Told[] = [
    { path: ["spec", "suspend"], rows: suspended(step) },
    { path: ["spec", "schedule"], rows: rarer(step) },
    { path: [...JOB, "env", "BACKUP_RETAIN"], rows: deleted(step) },
    { path: [...POD, "securityContext"], rows: isolationRows(step, before, after) },
  ];
  return found.filter(({ rows }) => rows.length > 0);
}

function suspended(step: Step): Row[] {
  const [before, after] = [step.before, step.after].map((inputs) => at(inputs, "spec", "suspend"));
  if (before === true || after !== true) return [];
  return [
    row(step, arrow("suspend", before, after), "backups end", "no base backup is taken until this is undone"),
  ];
}

function rarer(step: Step): Row[] {
  const [from, to] = [step.before, step.after].map(scheduleOf);
  const [old, now] = [from, to].map(rhythmOf);
  if (from === to) return [];
  const change = arrow("backup.schedule", from, to);
  if (old === undefined || now === undefined)
    return [unknown(step, change, "how often base backups are taken can't be determined from it", true)];
  if (now.longest <= old.longest) return [];
  const why = `up to ${span(now.longest)} between two base backups instead of ${span(old.longest)}: a restore replays the WAL of up to as long, and one segment that is damaged costs as much`;
  return [row(step, change, "longer between backups", why)];
}

/** Base backups that are deleted because fewer are kept, or because the same number covers a shorter time. */
function deleted(step: Step): Row[] {
  const [from = 0, to = 0] = [step.before, step.after].map(retainOf);
  const [old, now] = [step.before, step.after].map((inputs) => rhythmOf(scheduleOf(inputs)));
  const effect = "backups are deleted";
  if (to < from) {
    const what = old && Math.round(old.mean / DAY) === 1 ? "nights" : "base backups";
    const why = `${from - to} of ${from} ${what} are deleted from the archive after the next base backup, with the WAL that only they need${reach(from, to, old, now)}`;
    return [row(step, arrow("backup.retain", from, to), effect, why)];
  }
  if (old === undefined || now === undefined || to * now.mean >= from * old.mean * SOONER) return [];
  const change = `${arrow("backup.schedule", scheduleOf(step.before), scheduleOf(step.after))} with ${arrow("backup.retain", from, to)}`;
  const why = `base backups are taken more often, so those that are kept are soon younger${reach(from, to, old, now)}`;
  return [row(step, change, effect, why)];
}

/** How far back a restore can go. */
function reach(from: number, to: number, old?: Rhythm, now?: Rhythm): string {
  if (old === undefined || now === undefined) return "";
  return `: a restore then goes back about ${span(to * now.mean)} instead of ${span(from * old.mean)}`;
}

function scheduleOf(inputs: Values | undefined): unknown {
  return at(inputs, "spec", "schedule");
}

function retainOf(inputs: Values | undefined): number {
  return Number(environmentOf(inputs).BACKUP_RETAIN ?? RETAIN);
}

/** Variables of the job's container. */
function environmentOf(inputs: Values | undefined): ReturnType<typeof serverEnvironment> {
  return serverEnvironment({ spec: at(inputs, "spec", "jobTemplate", "spec") });
}

function inWords(change: Change): string {
  const { path, before, after } = change;
  if (path.join(".") === "spec.schedule") return arrow("backup.schedule", before, after);
  if (below(path, ...JOB, "env")) return variable(change);
  if (below(path, ...JOB, "image")) return "the server's new image";
  return arrow((below(path, ...JOB) ? path.slice(JOB.length) : path).join("."), before, after);
}
