import { compareQuantities, quantity } from "../../settings/quantity";
import type { Change } from "../diff";
import type { Row } from "../effects";
import { at, type Step, type Values } from "../step";
import { arrow, code, list } from "../words";
import { below, mild, restart, row, unknown } from "./rule";

const CONTAINER = ["spec", "containers", "postgres"];

/** What a part of the pod's template decides beside a restart; undefined: nothing. */
type Judge = (step: Step, change: Change) => Row | "restart";

const restartAlone: Judge = () => "restart";

const stranger: Judge = (step, change) =>
  unknown(
    step,
    named(change),
    "not known for the server's pod: it may not come back, or on other data",
    true,
  );

const stuck = (why: string, lenient = false): Judge => {
  return (step, change) => {
    const told = row(step, named(change), "may not serve", why);
    return lenient ? mild(told) : told;
  };
};

const said =
  (effect: Row["effect"], why: string): Judge =>
  (step, change) =>
    mild(restart(step, named(change), why, effect));

const NODES = "the volume stays where it is: without such a node beside it, the pod waits for ever";

/** Paths below the pod's template, the first that fits counts; a path that is not here is a stranger. */
const PARTS: readonly (readonly [path: RegExp, judge: Judge])[] = [
  [
    /^metadata\.labels\.(app\.kubernetes\.io\/(instance|component)|postgres-stack\/role)$/,
    (step, change) => row(step, named(change), "disconnect", "Services find the pod by this label"),
  ],
  [/^metadata\.(labels|annotations)/, restartAlone],
  [/^spec\.volumes(\.|$)/, volume],
  [/^spec\.containers\.postgres\.volumeMounts\./, mount],
  [/^spec\.(containers\.postgres\.)?securityContext\.(runAsUser|runAsGroup|fsGroup)$/, user],
  [
    /^spec\.(containers\.postgres\.)?securityContext\.(runAsNonRoot|seccompProfile|fsGroupChangePolicy|allowPrivilegeEscalation|capabilities|readOnlyRootFilesystem|privileged)/,
    restartAlone, // isolation.ts tells what is weaker
  ],
  [/^spec\.(host(Network|PID|IPC)|automountServiceAccountToken)$/, restartAlone],
  [/^spec\.containers\.postgres\.resources\./, resource],
  [/^spec\.nodeSelector\./, nodes],
  [/^spec\.nodeName$/, stuck(NODES)],
  [/^spec\.affinity/, affinity],
  [/^spec\.topologySpreadConstraints/, spread],
  [/^spec\.(tolerations|priorityClassName|imagePullSecrets)/, restartAlone],
  [/^spec\.terminationGracePeriodSeconds$/, stopping],
  [
    /^spec\.containers\.postgres\.lifecycle/,
    said(
      "longer recovery",
      "the server may be killed before it has stopped in order: the next start replays what it left",
    ),
  ],
  [/^spec\.containers\.postgres\.(liveness|startup)Probe/, probe],
  [
    /^spec\.containers\.postgres\.readinessProbe$/,
    (step, change) =>
      restart(step, named(change), "clients are let through before the server answers", "disconnect"),
  ],
  [
    /^spec\.containers\.postgres\.readinessProbe\.(exec|httpGet|tcpSocket|grpc)/,
    stuck("clients are let through by it, and by nothing else: a check that fails keeps all of them out"),
  ],
  [/^spec\.containers\.postgres\.readinessProbe\./, restartAlone],
  [/^spec\.containers\.postgres\.ports/, port],
  [/^spec\.containers\.postgres\.(imagePullPolicy|terminationMessagePolicy)$/, restartAlone],
  [
    /\.env\.(APP_USER|APP_DATABASE|VOLUME_OWNER|TZ|POSTGRES_INITDB_ARGS|PGDATA|(PG_UPGRADE|PG_REINDEX|WALG_|AWS_|AZURE_|GOOGLE_|ARCHIVE_|BACKUP_|ENCRYPTION_FOLDER|RESTORE_|CLONE_)\w*)$/,
    restartAlone,
  ],
];

/** What one change of the pod's template does beside a restart of the server; undefined where it does no more. */
export function startRow(step: Step, change: Change): Row | undefined {
  const path = change.path.join(".");
  const [, judge] = PARTS.find(([pattern]) => pattern.test(path)) ?? [undefined, stranger];
  const told = judge(step, change);
  return told === "restart" ? undefined : told;
}

/** The image is built for other machines than before: nodes of the old kind can't run it. */
export function platformRows(step: Step, steps: readonly Step[]): Row[] {
  const build = steps.find(({ type }) => type === "docker:index/image:Image");
  const [from, to] = [build?.before, build?.after].map((inputs) => at(inputs, "build", "platform"));
  const selected = at(step.after, "spec", "template", "spec", "nodeSelector", "kubernetes.io/arch");
  if (
    typeof to !== "string" ||
    (selected === undefined ? from === undefined || from === to : to.endsWith(`/${selected}`))
  )
    return [];
  const why = `the image is for ${to}${selected === undefined ? "" : `, the nodes are ${selected}`}: there the pod ends with \`exec format error\``;
  return [row(step, arrow("image.platform", from, to), "may not serve", why)];
}

/** A change in words; what somebody wrote into a variable may be a secret. */
function named({ path, before, after }: Change): string {
  const short = below(path, ...CONTAINER) ? path.slice(CONTAINER.length) : path;
  const words = short.join(".").replace(/^spec\./, "");
  return JSON.stringify([path, before, after]).includes('"env"') ? code(words) : arrow(words, before, after);
}

/** User and group of the image; as root it starts too, and becomes that user itself. */
const USERS: readonly unknown[] = [999, 0, undefined];

function user(step: Step, change: Change): Row | "restart" {
  if (USERS.includes(change.after)) return "restart";
  return stuck("the files of the data belong to another user: PostgreSQL refuses to open them")(step, change);
}

function volumeOf(step: Step, name: string | undefined): Values | undefined {
  const volumes = at(step.after, "spec", "template", "spec", "volumes") as Values[] | undefined;
  return volumes?.find((it) => it.name === name);
}

/** Empty at each start, and nobody misses it. */
const SCRATCH = ["tmp", "sockets", "run", "shm"];
/** The server needs them. */
const OURS = ["data", "conf", "superuser", "app", ...SCRATCH];
/** The archive's and a clone's; archive.ts and request.ts tell about them. */
const SECRETS = /^(object-store|encryption|clone-source|clone-encryption)$/;

function volume(step: Step, change: Change): Row | "restart" {
  const [, , name, ...rest] = change.path;
  const gone = change.after === undefined && rest.length === 0;
  if (gone && !OURS.some((it) => it === name || JSON.stringify(change.before).includes(`"${it}"`)))
    return "restart";
  if (name === undefined) return stranger(step, change);
  if (SECRETS.test(name)) return "restart";
  const now = volumeOf(step, name);
  if (SCRATCH.includes(name) && rest[0] === "emptyDir" && rest.length > 1) return "restart";
  if (now?.emptyDir !== undefined && rest.length === 0 && change.before === undefined) return "restart";
  return stranger(step, change);
}

function mount(step: Step, change: Change): Row | "restart" {
  const [name = "", key] = change.path.slice(4);
  if (SECRETS.test(name)) return "restart";
  if (name === "data") {
    if (key === "readOnly")
      return stuck("PostgreSQL does not start on a volume that it can't write")(step, change);
    const why = "the server looks elsewhere for its data, finds none, and the old ones are left behind";
    return row(step, named(change), "REPLACES THE DATABASE", why);
  }
  const place = String((change.after as Values | undefined)?.mountPath ?? "");
  const empty = volumeOf(step, name)?.emptyDir !== undefined;
  const harmless =
    empty && change.before === undefined && !/^\/($|var\/lib\/postgresql|etc|run\/secrets|usr)/.test(place);
  return harmless ? "restart" : stranger(step, change);
}

/** How many times as much of a resource is not found on a node by itself. */
const TIMES = 2n;

function resource(step: Step, change: Change): Row | "restart" {
  const { path, before, after } = change;
  if (!["cpu", "memory"].includes(path.at(-1) ?? ""))
    return stuck("a node has to offer it, and room for it, where the volume is")(step, change);
  if (typeof before !== "string" || typeof after !== "string") return "restart";
  const [from, to] = [quantity(before), quantity(after)];
  const more = to.numerator * from.denominator > TIMES * from.numerator * to.denominator;
  return more && compareQuantities(after, before) > 0
    ? stuck("more than twice as much: where no node beside the volume has it, the pod waits for ever")(
        step,
        change,
      )
    : "restart";
}

function nodes(step: Step, change: Change): Row | "restart" {
  const key = change.path.slice(2).join(".");
  const gone = change.after === undefined;
  if (gone)
    return key === "kubernetes.io/arch"
      ? stuck("a node of another architecture can't run the image", true)(step, change)
      : "restart";
  return stuck(NODES)(step, change);
}

/** Marks of nodes that a cloud may take back: `placement.spot`, which isolation.ts tells. */
const SPOT = /gke-spot|capacityType|capacity-type|scalesetpriority/;

function affinity(step: Step, change: Change): Row | "restart" {
  const after = (at(step.after, "spec", "template", "spec", "affinity") ?? {}) as Values;
  const kinds = Object.keys(after).filter((kind) => kind !== "nodeAffinity");
  const keys = [...JSON.stringify(after.nodeAffinity ?? {}).matchAll(/"key":"([^"]*)"/g)].map(
    ([, key]) => key ?? "",
  );
  return kinds.length === 0 && keys.every((key) => SPOT.test(key)) ? "restart" : stuck(NODES)(step, change);
}

/** A pod alone is spread by every rule, unless the rule keeps it from the nodes beside its volume. */
function spread(step: Step, change: Change): Row | "restart" {
  const rules = at(step.after, "spec", "template", "spec", "topologySpreadConstraints") as
    | Values[]
    | undefined;
  return (rules ?? []).some((it) => it.whenUnsatisfiable !== "ScheduleAnyway")
    ? stuck(NODES, true)(step, change)
    : "restart";
}

/** Less than half the time to stop in order; less memory needs less. */
function stopping(step: Step, change: Change): Row | "restart" {
  const smaller = step.changes.some(
    ({ path, before, after }) =>
      path.at(-1) === "memory" && compareQuantities(String(after), String(before)) < 0,
  );
  if (smaller || !(Number(change.after) * 2 < Number(change.before))) return "restart";
  return said("longer recovery", "a stop under load is cut off: the next start replays what it left")(
    step,
    change,
  );
}

function probe(step: Step, change: Change): Row | "restart" {
  const { path, before, after } = change;
  if (/\.(exec|httpGet|tcpSocket|grpc)/.test(path.join(".")))
    return stuck("a check that fails where the server is well has it killed again and again")(step, change);
  const timing = ["failureThreshold", "initialDelaySeconds", "periodSeconds", "timeoutSeconds"].includes(
    path.at(-1) ?? "",
  );
  if (timing && Number(after) >= Number(before)) return "restart";
  if (after === undefined && path.length === CONTAINER.length + 1)
    return said("checks are off", "a server that hangs is not noticed, or not given the time to start")(
      step,
      change,
    );
  return said("may be interrupted", "a server that is slow for a moment is killed, and started again")(
    step,
    change,
  );
}

function port(step: Step, change: Change): Row | "restart" {
  const [name, key] = change.path.slice(CONTAINER.length + 1);
  const ours =
    name === undefined ? JSON.stringify(change.before ?? "").includes('"postgres"') : name === "postgres";
  if (!ours || key === "hostPort") return "restart";
  return restart(step, named(change), "Services find the server by this port", "disconnect");
}

/** Rows of one effect and one reason as one row. */
export function together(rows: readonly Row[]): Row[] {
  const keys = [...new Set(rows.map(({ effect, why }) => `${effect} ${why}`))];
  return keys.flatMap((key) => {
    const same = rows.filter(({ effect, why }) => `${effect} ${why}` === key);
    const [first] = same;
    return first === undefined ? [] : [{ ...first, change: list(same.map(({ change }) => change)) }];
  });
}
