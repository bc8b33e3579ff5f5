import { serverEnvironment } from "../../k8s/inputs";
import { PREFIX_VARIABLES } from "../../settings/prefix";
import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step } from "../step";
import { arrow, code, list, span } from "../words";
import { below, mild, restart, variable } from "./rule";

type Environment = ReturnType<typeof serverEnvironment>;

/** Rows about the server's archive, and the changes that they cover. */
export interface Told {
  readonly rows: readonly Row[];
  readonly told: readonly Change[];
}

const PREFIXES: readonly string[] = Object.values(PREFIX_VARIABLES);

/** The variables that locate the archive. */
const PLACE = [...PREFIXES, "AWS_ENDPOINT", "AZURE_STORAGE_ACCOUNT"];

const KEYS = /^(WALG_(PGP_KEY|LIBSODIUM_KEY)|ENCRYPTION_FOLDER)/;
const CREDENTIALS =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|REGION|S3_FORCE_PATH_STYLE)|AZURE_STORAGE_ACCESS_KEY|GOOGLE_APPLICATION_CREDENTIALS)/;
const ARCHIVING = /^(WALG_|AWS_|AZURE_|GOOGLE_|ARCHIVE_|BACKUP_|ENCRYPTION_FOLDER)/;

/** The image's default. */
const ARCHIVE_TIMEOUT = "60";

/**
 * The effects on the archive of changes in the server's environment and mounts.
 *
 * @param changes with paths below the pod's template
 */
export function archiveRows(step: Step, changes: readonly Change[]): Told {
  const [before, after] = [serverEnvironment(step.before), serverEnvironment(step.after)];
  const of = (name: RegExp, volume: string) =>
    changes.filter(({ path }) => name.test(variableOf(path)) || volumeOf(path) === volume);
  const key = of(KEYS, "encryption");
  const credentials = of(CREDENTIALS, "object-store");
  if (placeOf(before) === "") return { rows: [], told: [] };
  if (placeOf(after) === "") {
    const all = [...of(ARCHIVING, "object-store"), ...key];
    return { rows: [ended(step, all, before)], told: all };
  }
  const place = changes.filter(({ path }) => PLACE.includes(variableOf(path)));
  const timeout = changes.filter(({ path }) => variableOf(path) === "ARCHIVE_TIMEOUT");
  const parts: Told[] = [
    { rows: movedRows(step, place), told: place },
    { rows: keyRows(step, key), told: key },
    { rows: credentialRows(step, credentials), told: credentials },
    longerTimeout(step, timeout, before, after),
    shorterDeadline(step, changes),
  ];
  return { rows: parts.flatMap(({ rows }) => rows), told: parts.flatMap(({ told }) => told) };
}

/** The prefix of the archive; empty without one. */
export function placeOf(environment: Environment): string {
  return PREFIXES.map((name) => environment[name] ?? "").find((prefix) => prefix !== "") ?? "";
}

function ended(step: Step, changes: readonly Change[], before: Environment): Row {
  const prefixes = changes.filter(({ path }) => PREFIXES.includes(variableOf(path)));
  const why = `nothing is archived any more and no base backup is taken: a lost volume, a bad statement, a wrong delete cost everything since now. ${abandoned(placeOf(before))}`;
  return restart(step, list(prefixes.map(variable)), why, "backups end");
}

/** What happens to an archive that no stack uses any more. */
export function abandoned(prefix: string): string {
  return `The archive at ${code(prefix)} stays, and nothing is deleted in it any more`;
}

function movedRows(step: Step, changes: readonly Change[]): Row[] {
  if (changes.length === 0) return [];
  const why =
    "the archive is a new one: until its first base backup is done, which this update starts, a lost volume comes back from the old one " +
    "alone, up to now; the old one stays as it is, nothing is deleted in it, and restore.from has to name it";
  return [restart(step, list(changes.map(variable)), why, "backups begin anew")];
}

/** A change of the variables that name the key's file; the Secret's row covers another key of the same kind. */
function keyRows(step: Step, changes: readonly Change[]): Row[] {
  if (changes.length === 0) return [];
  const words = list(changes.map(inWords));
  if (changes.every(({ after }) => after === undefined)) {
    const why =
      "segments and base backups are stored unencrypted: whoever reads the store reads the data; earlier ones open only with the old key";
    return [restart(step, words, why, "weaker encryption")];
  }
  const first = changes.every(({ before }) => before === undefined);
  const why = first
    ? "earlier backups are not encrypted: to restore one, remove the key; a base backup with the key follows at once"
    : OTHER_KEY;
  const told = restart(step, words, why, "backups begin anew");
  return [first ? mild(told) : told];
}

/** The effect of another key on the stored objects. */
export const OTHER_KEY =
  "what is stored so far opens only with the old key: keep it, or give both in one ring; a base backup with the new one follows at once";

function credentialRows(step: Step, changes: readonly Change[]): Row[] {
  if (changes.length === 0) return [];
  const files = changes.some(
    ({ path, after }) => variableOf(path) === "" && (after === undefined || path.at(-1) === "mountPath"),
  );
  const named = Object.values(serverEnvironment(step.after)).some((it) => it?.includes("/object-store/"));
  if (files && named) return [restart(step, list(changes.map(inWords)), UNREADABLE, "backups end")];
  return [mild(restart(step, list(changes.map(inWords)), CREDENTIALS_CHANGE, "access changes"))];
}

const UNREADABLE =
  "the files that the variables name no longer exist: nothing is archived, and the volume fills with WAL";

/** The effect of other credentials on the archive. */
export const CREDENTIALS_CHANGE =
  "access to the archive: the next segment shows whether it works; until it does, nothing is archived and the volume fills with WAL";

function longerTimeout(
  step: Step,
  changes: readonly Change[],
  before: Environment,
  after: Environment,
): Told {
  const [from = 0, to = 0] = [before, after].map((it) => Number(it.ARCHIVE_TIMEOUT ?? ARCHIVE_TIMEOUT));
  const never = to === 0;
  if (from === 0 || !(to > from || never)) return { rows: [], told: [] };
  const costs = never
    ? "the commits of a whole segment, however old they are,"
    : `up to ${span(to * 1000)} of commits`;
  const why = `a lost volume costs ${costs} instead of ${span(from * 1000)}`;
  return {
    rows: [restart(step, list(changes.map(variable)), why, "acknowledged commits may be lost")],
    told: changes,
  };
}

function shorterDeadline(step: Step, changes: readonly Change[]): Told {
  const shorter = changes.filter(
    ({ path, before, after }) =>
      variableOf(path) === "ARCHIVE_DEADLINE" && before !== undefined && Number(after) < Number(before),
  );
  if (shorter.length === 0) return { rows: [], told: [] };
  const why =
    "an upload that takes longer is cut off: over a slow uplink the archive falls behind, and a lost volume costs what waits";
  const told = restart(step, list(shorter.map(variable)), why, "acknowledged commits may be lost");
  return { rows: [mild(told)], told: shorter };
}

function inWords(change: Change): string {
  return variableOf(change.path) === ""
    ? arrow(change.path.slice(1).join("."), change.before, change.after)
    : variable(change);
}

/** The variable's name; empty if the path is not a variable's. */
function variableOf(path: readonly string[]): string {
  return path.at(-2) === "env" ? (path.at(-1) ?? "") : "";
}

/** The volume that a path below the pod's template defines or mounts; empty if it does neither. */
function volumeOf(path: readonly string[]): string {
  if (below(path, "spec", "volumes")) return path[2] ?? "";
  return below(path, "spec", "containers", "postgres", "volumeMounts") ? (path[4] ?? "") : "";
}
