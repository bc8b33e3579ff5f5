import type { Change } from "../diff";
import type { Row } from "../effects";
import { at, type Step, type Values } from "../step";
import { arrow, list } from "../words";
import { CONTAINER, type Judge, named, restartAlone, said, stranger, stuck } from "./judge";
import { probe, readiness } from "./probes";
import { resource, scratchSize, stopping } from "./resources";
import { type Context, isActedOn, restart, row } from "./rule";

const NODES = "the volume stays where it is: without such a node beside it, the pod waits for ever";

/** Paths below the pod's template; the first match counts, and a path without a match is a stranger. */
const PARTS: readonly (readonly [path: RegExp, judge: Judge])[] = [
  [
    /^metadata\.labels\.app\.kubernetes\.io\/(instance|component)$/,
    (step, change) =>
      row(
        step,
        named(change),
        "refused",
        "the StatefulSet finds its pod by this label: the API server takes no other",
      ),
  ],
  [
    /^metadata\.labels\.postgres-stack\/role$/,
    (step, change) => row(step, named(change), "disconnect", "Services find the pod by this label"),
  ],
  [/^metadata\.(labels|annotations)\./, annotation],
  [/^metadata\.(labels|annotations)/, restartAlone],
  [/^spec\.volumes(\.|$)/, volume],
  [/^spec\.containers\.postgres\.volumeMounts\./, mount],
  [/^spec\.(containers\.postgres\.)?securityContext\.(runAsUser|runAsGroup|fsGroup)$/, user],
  [/^spec\.(containers\.postgres\.)?securityContext\.seccompProfile/, confined],
  [
    /^spec\.(containers\.postgres\.)?securityContext\.(runAsNonRoot|fsGroupChangePolicy|allowPrivilegeEscalation|capabilities|readOnlyRootFilesystem|privileged)/,
    restartAlone, // isolation.ts reports the weaker isolation
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
    unlessGone(
      said(
        "longer recovery",
        "the server may be killed before it has stopped in order: the next start replays what it left",
      ),
    ),
  ],
  [/^spec\.containers\.postgres\.(liveness|startup)Probe/, probe],
  [
    /^spec\.containers\.postgres\.readinessProbe$/,
    (step, change) =>
      restart(step, named(change), "clients are let through before the server answers", "disconnect"),
  ],
  [/^spec\.containers\.postgres\.readinessProbe\./, readiness],
  [/^spec\.containers\.postgres\.ports/, port],
  [/^spec\.containers\.postgres\.imagePullPolicy$/, pulled],
  [/^spec\.containers\.postgres\.terminationMessagePolicy$/, restartAlone],
  [/\.env\./, variable],
];

/** Variables that the program writes; any other variable that WAL-G or PostgreSQL reads may move the archive or the data. */
const VARIABLES =
  /^(APP_(USER|DATABASE)|VOLUME_OWNER|TZ|POSTGRES_INITDB_ARGS|PGDATA|ENCRYPTION_FOLDER|ARCHIVE_(TIMEOUT|DEADLINE)|(PG_UPGRADE|PG_REINDEX|RESTORE_|CLONE_)\w*)$/;
const OF_THE_ARCHIVE =
  /^(WALG_((S3|GS|AZ|FILE)_PREFIX|COMPRESSION_METHOD|TAR_SIZE_THRESHOLD|(UPLOAD|UPLOAD_DISK|DOWNLOAD)_CONCURRENCY|(PGP|LIBSODIUM)_KEY\w*)|AWS_(ENDPOINT|REGION|S3_FORCE_PATH_STYLE|ACCESS_KEY_ID_FILE|SECRET_ACCESS_KEY_FILE)|AZURE_STORAGE_(ACCOUNT|ACCESS_KEY_FILE)|GOOGLE_APPLICATION_CREDENTIALS)$/;

function variable(step: Step, change: Change, context: Context): Row | "restart" {
  const name = change.path.at(-1) ?? "";
  const known = VARIABLES.test(name) || OF_THE_ARCHIVE.test(name);
  // the server's own schedule takes base backups and deletes others
  const outside = name === "BACKUP_SCHEDULE" && [undefined, "external"].includes(change.after as string);
  const elsewhere = typeof change.after === "object" && change.after !== null; // each start reads its value from elsewhere
  return (known || outside) && !elsewhere ? "restart" : stranger(step, change, context);
}

function annotation(step: Step, change: Change, context: Context): Row | "restart" {
  return isActedOn(change) ? stranger(step, change, context) : "restart";
}

function unlessGone(judge: Judge): Judge {
  return (step, change, context) => (change.after === undefined ? judge : stranger)(step, change, context);
}

function pulled(step: Step, change: Change, context: Context): Row | "restart" {
  return change.after === "Never"
    ? stuck("a node that does not have the image never gets it: there the pod waits for ever")(
        step,
        change,
        context,
      )
    : "restart";
}

/** isolation.ts reports the lost confinement. */
function confined(step: Step, change: Change, context: Context): Row | "restart" {
  return change.after === "Localhost" || (change.after as Values | undefined)?.type === "Localhost"
    ? stuck("a node without that profile does not start the pod")(step, change, context)
    : "restart";
}

/** The effect of one change of the pod's template besides a restart of the server; undefined if there is none. */
export function startRow(step: Step, change: Change, context: Context): Row | undefined {
  const path = change.path.join(".");
  const [, judge] = PARTS.find(([pattern]) => pattern.test(path)) ?? [undefined, stranger];
  const told = judge(step, change, context);
  return told === "restart" ? undefined : told;
}

/** The image is built for another platform: nodes of the old kind can't run it. */
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

/** User and group of the image (k8s/pod.ts). */
const OWN = 999;

function user(step: Step, change: Change, context: Context): Row | "restart" {
  const key = change.path.at(-1) ?? "";
  const after = change.after ?? at(step.after, "spec", "template", "spec", "securityContext", key); // the pod's own
  if (after === OWN || (key !== "runAsUser" && after === undefined)) return "restart";
  if (key === "runAsGroup" && after === 0) return "restart";
  if (key === "runAsUser" && (after === 0 || after === undefined) && becomesOwn(step)) return "restart";
  const why =
    key === "runAsUser" && !after
      ? "as root the pod is refused, or can't become the user that the data belong to"
      : "the files of the data belong to another user: PostgreSQL refuses to open them";
  return stuck(why)(step, change, context);
}

/** The image also starts as root and then switches to that user, if permitted. */
function becomesOwn(step: Step): boolean {
  const spec = at(step.after, "spec", "template", "spec") as Values | undefined;
  const own = ((spec?.containers as Values[] | undefined)?.[0]?.securityContext ?? {}) as Values;
  const { drop = [] } = (own.capabilities ?? {}) as { drop?: string[] };
  return (own.runAsNonRoot ?? at(spec, "securityContext", "runAsNonRoot")) !== true && !drop.includes("ALL");
}

function volumeOf(step: Step, name: string | undefined): Values | undefined {
  const volumes = at(step.after, "spec", "template", "spec", "volumes") as Values[] | undefined;
  return volumes?.find((it) => it.name === name);
}

/** Volumes that are empty at each start, with nothing to lose. */
const SCRATCH = ["tmp", "sockets", "run", "shm"];
/** Volumes that the server needs. */
const OURS = ["data", "conf", "superuser", "app", ...SCRATCH];
/** Volumes of the archive and of a clone; archive.ts and request.ts report them. */
const SECRETS = /^(object-store|encryption|clone-source|clone-encryption)$/;

function volume(step: Step, change: Change, context: Context): Row | "restart" {
  const [, , name, ...rest] = change.path;
  const gone = change.after === undefined && rest.length === 0;
  if (gone && !OURS.some((it) => it === name || JSON.stringify(change.before).includes(`"${it}"`)))
    return "restart";
  if (name === undefined) return stranger(step, change, context);
  if (SECRETS.test(name)) return "restart";
  const now = volumeOf(step, name);
  if (SCRATCH.includes(name) && rest[0] === "emptyDir" && rest.length > 1)
    return scratchSize(step, change, context);
  if (now?.emptyDir !== undefined && rest.length === 0 && change.before === undefined) return "restart";
  return stranger(step, change, context);
}

function mount(step: Step, change: Change, context: Context): Row | "restart" {
  const [name = "", key] = change.path.slice(4);
  if (SECRETS.test(name)) return "restart";
  if (name === "data") {
    if (key === "readOnly")
      return stuck("PostgreSQL does not start on a volume that it can't write")(step, change, context);
    const why = "the server looks elsewhere for its data, finds none, and the old ones are left behind";
    return row(step, named(change), "REPLACES THE DATABASE", why);
  }
  const place = String((change.after as Values | undefined)?.mountPath ?? "");
  const empty = volumeOf(step, name)?.emptyDir !== undefined;
  const harmless =
    empty &&
    change.before === undefined &&
    !/^\/($|var\/lib\/postgresql|etc|run\/secrets|usr|s?bin|lib|dev|proc|sys)/.test(place);
  return harmless ? "restart" : stranger(step, change, context);
}

function nodes(step: Step, change: Change, context: Context): Row | "restart" {
  const key = change.path.slice(2).join(".");
  const gone = change.after === undefined;
  if (gone)
    return key === "kubernetes.io/arch"
      ? stuck("a node of another architecture can't run the image", true)(step, change, context)
      : "restart";
  return stuck(NODES)(step, change, context);
}

/** Labels of spot nodes: `placement.spot`, which isolation.ts reports. */
const SPOT = /gke-spot|capacityType|capacity-type|scalesetpriority/;

function affinity(step: Step, change: Change, context: Context): Row | "restart" {
  const after = (at(step.after, "spec", "template", "spec", "affinity") ?? {}) as Values;
  const kinds = Object.keys(after).filter((kind) => kind !== "nodeAffinity");
  const keys = [...JSON.stringify(after.nodeAffinity ?? {}).matchAll(/"key":"([^"]*)"/g)].map(
    ([, key]) => key ?? "",
  );
  return kinds.length === 0 && keys.every((key) => SPOT.test(key))
    ? "restart"
    : stuck(NODES)(step, change, context);
}

/** A single pod satisfies every spread rule, unless the rule excludes the nodes that reach its volume. */
function spread(step: Step, change: Change, context: Context): Row | "restart" {
  const rules = at(step.after, "spec", "template", "spec", "topologySpreadConstraints") as
    | Values[]
    | undefined;
  return (rules ?? []).some((it) => it.whenUnsatisfiable !== "ScheduleAnyway")
    ? stuck(NODES, true)(step, change, context)
    : "restart";
}

function port(step: Step, change: Change): Row | "restart" {
  const [name, key] = change.path.slice(CONTAINER.length + 1);
  const ours =
    name === undefined ? JSON.stringify(change.before ?? "").includes('"postgres"') : name === "postgres";
  if (!ours || key === "hostPort") return "restart";
  return restart(step, named(change), "Services find the server by this port", "disconnect");
}

/** Merges rows with the same effect and reason. */
export function together(rows: readonly Row[]): Row[] {
  const keys = [...new Set(rows.map(({ effect, why }) => `${effect} ${why}`))];
  return keys.flatMap((key) => {
    const same = rows.filter(({ effect, why }) => `${effect} ${why}` === key);
    const [first] = same;
    return first === undefined ? [] : [{ ...first, change: list(same.map(({ change }) => change)) }];
  });
}
