import { majorOfData, serverEnvironment } from "../../k8s/inputs";
import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step } from "../step";
import { arrow, list } from "../words";
import { FORCED } from "./request";
import { restart, row, unknown, variable, withdrawn } from "./rule";

/** The data directory, which follows from `postgres.version`; and the variables of the stack's `upgrade`. */
const FOLDER = "PGDATA";
const REQUEST = /^PG_UPGRADE/;
const REINDEX = "PG_REINDEX_COLLATIONS";

export function isUpgrade({ path }: Change): boolean {
  const name = path.at(-1) ?? "";
  return path.at(-2) === "env" && (name === FOLDER || name === REINDEX || REQUEST.test(name));
}

/** The effects of another version, and of a new, changed or withdrawn upgrade request. */
export function upgradeRows(step: Step, changes: readonly Change[]): Row[] {
  const named = (name: string) => changes.find(({ path }) => path.at(-1) === name);
  const request = changes.filter(({ path }) => REQUEST.test(path.at(-1) ?? ""));
  const [version, reindexing] = [named(FOLDER), named(REINDEX)];
  const rows: Row[] = [];
  if (version) rows.push(versionRow(step, version, request));
  else if (request.length > 0) rows.push(requestRow(step, request));
  if (reindexing) rows.push(reindexRow(step, reindexing));
  return rows;
}

function versionRow(step: Step, { before, after }: Change, request: readonly Change[]): Row {
  const [from, to] = [before, after].map((folder) => majorOfData(String(folder)));
  const words = list([arrow("PostgreSQL", String(from ?? before), String(to ?? after)), ...inWords(request)]);
  if (from === undefined || to === undefined)
    return unknown(step, words, "the server would look for its data in another folder, and not start", true);
  return to > from ? upward(step, words, from, to, request) : downward(step, words, from, to);
}

function upward(step: Step, words: string, from: number, to: number, request: readonly Change[]): Row {
  const asked = serverEnvironment(step.after);
  const stops = "the update stops before the server is touched";
  if (asked.PG_UPGRADE === undefined) {
    const why = `PostgreSQL ${to} does not open the data of ${from} without \`upgrade\`: ${stops}; the old version is one line away`;
    return row(step, words, "refused", why);
  }
  if (to > from + 1)
    return row(step, words, "refused", `one major at a time, first to ${from + 1}: ${stops}`);
  if (!request.some(({ path }) => path.at(-1) === "PG_UPGRADE"))
    return row(step, words, "refused", `each id is used once, and this upgrade needs a new one: ${stops}`);
  if (asked.PG_UPGRADE_UNDO === "true")
    return unknown(step, words, "an undo goes with the older version, not with a newer one", true);
  const forced = asked.PG_UPGRADE_FORCE === "true" ? `; ${FORCED}` : "";
  return row(step, words, "major upgrade", `the server is down for the upgrade; ${wayBack(asked)}${forced}`);
}

function downward(step: Step, words: string, from: number, to: number): Row {
  const { PG_UPGRADE, PG_UPGRADE_UNDO } = serverEnvironment(step.after);
  if (PG_UPGRADE !== undefined && PG_UPGRADE_UNDO === "true") {
    const why = `the server is down while the data of ${to} come back: the copy that was kept, else those of the backup; what was written since the upgrade is not in them`;
    return row(step, words, "major upgrade", why);
  }
  const why = `PostgreSQL ${to} serves only if the upgrade to ${from} was not made; after one its pod does not come up, and the newer version is one line away (upgrade.undo goes back)`;
  return unknown(step, words, why, true);
}

/** The way back from an upgrade, by its mode. */
function wayBack({ PG_UPGRADE_MODE, PG_UPGRADE_KEEP_OLD }: ReturnType<typeof serverEnvironment>): string {
  const since = "what is written since the upgrade is lost on the way";
  if (PG_UPGRADE_KEEP_OLD === "true")
    return `the old data are kept as they were, and upgrade.undo goes back to them; ${since}`;
  const until =
    PG_UPGRADE_MODE === "link"
      ? "once the new server has started on the same files (mode link), the backup taken before is the only way back"
      : "once the new server serves, the old data are removed (keepOld: false), and the backup taken before is the only way back";
  return `${until} (upgrade.undo); ${since}`;
}

/** A request without a change of `postgres.version`: there is nothing to upgrade. */
function requestRow(step: Step, request: readonly Change[]): Row {
  const words = list(inWords(request));
  if (request.every(({ after }) => after === undefined)) return withdrawn(step, words);
  if (request.some(({ path, after }) => path.at(-1) === "PG_UPGRADE_UNDO" && after === "true"))
    return unknown(step, words, "an undo goes with the older postgres.version, which stays as it is", true);
  const why =
    "postgres.version stays as it is, so there is nothing to upgrade; the pod is replaced all the same";
  return restart(step, words, why);
}

function reindexRow(step: Step, change: Change): Row {
  const why =
    change.after === "true"
      ? "indexes that another glibc or ICU sorts differently are rebuilt at boot, before anyone connects; without such a change none is"
      : "from now on a boot refuses data that another glibc or ICU sorts differently";
  return restart(step, variable(change), why);
}

function inWords(changes: readonly Change[]): string[] {
  return changes.map(variable);
}
