import { serverEnvironment } from "../../k8s/inputs";
import type { Row } from "../effects";
import { at, type Step, type Values } from "../step";
import { placeOf } from "./archive";
import { row, serverOf } from "./rule";

const FIRST = /-first-backup$/;

/** Jobs of an update by purpose; a preflight comes and goes with its request. */
const JOBS: readonly (readonly [name: RegExp, effect: Row["effect"], why: string])[] = [
  [
    FIRST,
    "longer between backups",
    "no base backup is taken at once where the archive has none: until the scheduled one, a lost volume can't be restored",
  ],
  [
    /-admission$/,
    "checks are off",
    "a pod that the cluster refuses is noticed only after the running server has stopped",
  ],
  [
    /-archive-check$/,
    "checks are off",
    "an archive that is another database's is not noticed before the server restarts",
  ],
  [/-apply$/, "checks are off", "nothing confirms that the server has adopted its settings"],
  [
    /-(check|preflight)$/,
    "checks are off",
    "settings, or a request, are no longer tried before the server is touched",
  ],
];

/** The assurance that an update loses if one of its jobs is deleted or changed. */
export function weakenedRows(step: Step, steps: readonly Step[]): Row[] {
  const [, effect, why] = JOBS.find(([name]) => name.test(step.name)) ?? [];
  if (!step.type.endsWith(":Job") || effect === undefined || why === undefined) return [];
  if (step.operation === "delete")
    return /-preflight$/.test(step.name) || withoutArchive(step, steps)
      ? []
      : [row(step, "deleted", effect, why)];
  if (step.before === undefined || step.after === undefined || /-preflight$/.test(step.name)) return [];
  const [from, to] = [step.before, step.after].map(commandOf);
  return from === to ? [] : [row(step, "another command", effect, why)];
}

/** Without an archive, or in a disposable stack, there is nothing to check. */
function withoutArchive(step: Step, steps: readonly Step[]): boolean {
  if (/-check$/.test(step.name) && !/-archive-check$/.test(step.name)) return false;
  const server = serverOf(step, steps);
  if (server === undefined || /-apply$/.test(step.name)) return false;
  const disposable = at(server.after, "metadata", "labels", "postgres-stack/disposable") === "true";
  return placeOf(serverEnvironment(server.after)) === "" || (disposable && !FIRST.test(step.name));
}

function commandOf(inputs: Values | undefined): string {
  const containers = at(inputs, "spec", "template", "spec", "containers") as Values[] | undefined;
  return JSON.stringify((containers ?? []).map(({ command, args }) => [command, args]));
}
