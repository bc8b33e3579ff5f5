import { serverEnvironment } from "../../k8s/inputs";
import type { Change } from "../diff";
import { RESTART_SECONDS, type Row } from "../effects";
import { at, isOurs, type Step, type Values } from "../step";
import { arrow, code } from "../words";
import { archiveRows } from "./archive";
import { interruptionRows, isolationRows } from "./isolation";
import { isRequest, requestRows } from "./request";
import { below, type Context, restart, row, unknown, variable } from "./rule";
import { platformRows, startRow, together } from "./start";
import { isUpgrade, upgradeRows } from "./upgrade";

const CONTAINER = ["spec", "containers", "postgres"];
const ENVIRONMENT = [...CONTAINER, "env"];
const IMAGE_LABEL = ["metadata", "annotations", "postgres-stack/image"];
const BASE_IMAGE = "build.args.BASE_IMAGE";

/** A change that does more to the database than restart it. */
type Special = (step: Step, change: Change, context: Context) => Row | readonly Row[] | undefined;

/**
 * The effects of changes in the server's pod.
 *
 * @param changes with paths below the pod's template
 */
export function podRows(step: Step, changes: readonly Change[], context: Context): Row[] {
  const archive = archiveRows(step, changes);
  const [before, after] = [step.before, step.after].map(
    (inputs) => at(inputs, "spec", "template", "spec") as Values | undefined,
  );
  const rows = [
    ...requestRows(step, changes.filter(isRequest)),
    ...upgradeRows(step, changes.filter(isUpgrade)),
    ...archive.rows,
    ...[...isolationRows(step, before, after), ...interruptionRows(step, before, after)].map((it) => ({
      ...it,
      seconds: RESTART_SECONDS,
    })),
  ];
  rows.push(...platformRows(step, context.steps));
  const plain: Change[] = [];
  const beyond: Row[] = [];
  const rest = changes.filter((it) => !isRequest(it) && !isUpgrade(it) && !archive.told.includes(it));
  for (const change of rest) {
    const found = SPECIAL.map((special) => special(step, change, context)).find((it) => it !== undefined);
    if (found) rows.push(...[found].flat());
    else if (!isRepeated(change, rest)) {
      const more = startRow(step, change, context);
      if (more) beyond.push(more);
      else plain.push(change);
    }
  }
  rows.push(...together(beyond));
  const told = rows.map(({ effect }) => effect);
  const words = plain
    .filter(({ path }) => !(told.includes("new image") && is(path, IMAGE_LABEL)))
    .map(inWords);
  if (words.length > 0) rows.push(restart(step, words.join("; "), why(step)));
  return rows;
}

function why(step: Step): string {
  const seconds = at(step.after, "spec", "template", "spec", "terminationGracePeriodSeconds");
  const stop = seconds === undefined ? "" : `; under load it may take up to ${seconds} s to stop`;
  return `the pod is replaced, once for all reasons together${stop}`;
}

const SPECIAL: readonly Special[] = [
  function image(step, { path, before, after }, { steps }) {
    if (!is(path, [...CONTAINER, "image"])) return undefined;
    const [from, to] = [step.before, step.after].map((inputs) =>
      at(inputs, "spec", "template", ...IMAGE_LABEL),
    );
    const change = from === to ? arrow("image", before, after) : arrow("image", from, to);
    const why = `the pod is replaced; first the node pulls what it lacks of the image${anotherBase(step, steps)}`;
    return [
      restart(step, change, why, "new image"),
      ...floating(step, before, after),
      ...untried(step, after, steps),
    ];
  },
  function role(step, { path, before, after }) {
    if (!is(path, [...ENVIRONMENT, "APP_USER"])) return undefined;
    const why = `the new role gets the database and no table in it: what the old one owns stays its own, and applications are refused until somebody runs ${code(`REASSIGN OWNED BY ${before} TO ${after}`)}`;
    return restart(step, arrow("access.role", before, after), why, "access changes");
  },
  function database(step, { path, before, after }) {
    if (!is(path, [...ENVIRONMENT, "APP_DATABASE"])) return undefined;
    const why =
      "applications are sent to another database, which is empty unless it exists; the old one stays as it is";
    return restart(step, arrow("access.database", before, after), why, "access changes");
  },
  function checksums(step, change) {
    if (!is(change.path, [...ENVIRONMENT, "POSTGRES_INITDB_ARGS"])) return undefined;
    const without = (value: unknown) => String(value).includes("--no-data-checksums");
    if (without(change.before) || !without(change.after)) return undefined;
    const why =
      "new data have no page checksums: damage on the disk is read as data; existing data keep theirs";
    return restart(step, variable(change), why, "checks are off");
  },
  function owner(step, { path, before, after }) {
    if (!is(path, [...ENVIRONMENT, "VOLUME_OWNER"])) return undefined;
    const why = "the volume is another stack's: the server would not start on it";
    return row(step, arrow("owner of the volume", before, after), "refused", why);
  },
  function volume(step, { path, before, after }) {
    if (!below(path, "spec", "volumes", "data")) return undefined;
    const why = "the server starts on another volume, and the old one is left behind";
    return row(step, arrow("volume", before, after), "REPLACES THE DATABASE", why);
  },
];

/** A tag, which may mean another image tomorrow, instead of a digest, which can't. */
function floating(step: Step, before: unknown, after: unknown): Row[] {
  const isFixed = (image: unknown) => /@sha256:|^\[/.test(String(image)); // a built image gets its digest in the update
  if (!isFixed(before) || isFixed(after)) return [];
  const why =
    "the tag may mean another image tomorrow, and a pod that moves to another node takes it, unseen by any review";
  return [restart(step, `image by tag: ${code(String(after))}`, why, "floating image")];
}

/** An image that the update's settings check does not run: nobody has tried to start the server with it. */
function untried(step: Step, image: unknown, steps: readonly Step[]): Row[] {
  const check = steps.find(({ name, parent }) => name.endsWith("-check") && parent === step.parent);
  const containers = at(check?.after, "spec", "template", "spec", "containers") as Values[] | undefined;
  const [tried] = containers ?? [];
  if (check !== undefined && (tried === undefined || tried.image === image)) return [];
  const why =
    "the checks of the update run another image: nothing has tried whether the server starts with this one";
  return [unknown(step, code(`image of the server alone`), why, true)];
}

/** The risk of another base image: another sort order by its glibc and ICU. Only an image built here shows its base. */
function anotherBase(step: Step, steps: readonly Step[]): string {
  const tag = at(step.after, "spec", "template", ...IMAGE_LABEL);
  const build = steps.find((it) => isOurs(it) && String(it.after?.imageName).endsWith(`:${tag}`));
  const changes = build?.operation === "update" ? build.changes : undefined;
  if (changes?.every(({ path }) => path.join(".") !== BASE_IMAGE)) return "";
  const which = `${changes ? "" : "if "}its base is another one: at boot glibc and ICU are compared with those that the data were sorted by`;
  return serverEnvironment(step.after).PG_REINDEX_COLLATIONS === "true"
    ? `; ${which}, and the indexes that a difference concerns are reindexed`
    : `; ${which}, and where an index depends on a difference the server does not open them; the old image is one line away, upgrade.reindexCollations the other way on`;
}

function inWords(change: Change): string {
  const { path, before, after } = change;
  if (below(path, ...ENVIRONMENT)) return variable(change);
  if (is(path, IMAGE_LABEL)) return `${arrow("image label", before, after)}, the same image`;
  if (below(path, "metadata", "annotations", "postgres-stack/restart-settings"))
    return "settings that need a restart";
  if (below(path, "metadata", "annotations", "postgres-stack/passwords")) return "passwords";
  const short = below(path, ...CONTAINER) ? path.slice(CONTAINER.length) : path;
  return arrow(short.join(".").replace(/^resources\.limits\.|^spec\./, ""), before, after);
}

/** Whether a change of requests only follows the same change of limits. */
function isRepeated({ path, after }: Change, all: readonly Change[]): boolean {
  if (!below(path, ...CONTAINER, "resources", "requests")) return false;
  const limit = [...CONTAINER, "resources", "limits", path.at(-1) ?? ""];
  return all.some((other) => is(other.path, limit) && other.after === after);
}

function is(path: readonly string[], expected: readonly string[]): boolean {
  return path.length === expected.length && below(path, ...expected);
}
