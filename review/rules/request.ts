import { serverEnvironment } from "../../k8s/inputs";
import type { Change } from "../diff";
import type { Row } from "../effects";
import type { Step } from "../step";
import { arrow, list } from "../words";
import { restart, row, withdrawn } from "./rule";

/** The effect of a request's `force`. */
export const FORCED =
  "checks are off (force): what they find doubtful is reported, but does not end the update";

/** Variables of a request: `restore` or `cloneFrom` of the stack's file. */
const REQUEST = /^(RESTORE|CLONE)_/;

export function isRequest({ path }: Change): boolean {
  return path.at(-2) === "env" && REQUEST.test(nameOf({ path }));
}

/** The effects of a new, changed or removed request: one row for each kind. */
export function requestRows(step: Step, changes: readonly Change[]): Row[] {
  const of = (prefix: string) => changes.filter((change) => nameOf(change).startsWith(prefix));
  return [...restoreRows(step, of("RESTORE_")), ...cloneRows(step, of("CLONE_"))];
}

function restoreRows(step: Step, changes: readonly Change[]): Row[] {
  if (changes.length === 0) return [];
  const words = inWords(changes);
  const find = (name: string) => changes.find((change) => nameOf(change) === name);
  if (changes.every(({ after }) => after === undefined)) return [withdrawn(step, words)];
  const restored = (why: string) => [row(step, words, "restore", why)];
  if (find("RESTORE_UNDO")?.after === "true")
    return restored("the pod restarts with the data from before that restore, as long as they are kept");
  if (find("RESTORE_ID")?.after !== undefined)
    return restored(
      `the pod restarts with the data of that moment; what was written later is not in them${given(step)}`,
    );
  if (changes.every((change) => nameOf(change) === "RESTORE_FORCE" && change.after === "true"))
    return restored(`a restore that was refused takes place, one that is done does not${given(step)}`);
  const why =
    "each id is used once: another request needs a new one, or the update stops before the server is touched";
  return [row(step, words, "refused", why)];
}

/** What a restore discards besides the data written since. */
function given(step: Step): string {
  const { RESTORE_KEEP_OLD, RESTORE_FORCE } = serverEnvironment(step.after);
  const removed =
    RESTORE_KEEP_OLD === "false"
      ? "; the data that are there now are removed (keepOld: false), and there is no way back to them"
      : "";
  return RESTORE_FORCE === "true" ? `${removed}; ${FORCED}` : removed;
}

function cloneRows(step: Step, changes: readonly Change[]): Row[] {
  const about = changes.filter((change) =>
    ["CLONE_FROM", "CLONE_TO", "CLONE_TIMELINE"].includes(nameOf(change)),
  );
  if (changes.length === 0) return [];
  const words = inWords(about.length > 0 ? about : changes);
  if (changes.every(({ after }) => after === undefined)) return [withdrawn(step, words)];
  const why =
    "a clone only fills an empty volume, and this server has one: the update stops before the server is touched";
  return about.length > 0
    ? [row(step, words, "refused", why)]
    : [restart(step, words, "access to a source that was cloned before; the pod is replaced all the same")];
}

function inWords(changes: readonly Change[]): string {
  return list(changes.map((change) => arrow(nameOf(change), change.before, change.after)));
}

function nameOf({ path }: Pick<Change, "path">): string {
  return path.at(-1) ?? "";
}
