import { serverEnvironment } from "../k8s/inputs";
import type { Rendered } from "../render/record";
import type { Answer } from "./child";
import { compare } from "./compare";
import type { Row } from "./effects";
import { packageRows } from "./packages";
import { abandoned, placeOf } from "./rules/archive";
import { ownValue, type Plan, type Values, versionIn } from "./step";
import { UsageError } from "./usage";
import { renderBoth, stackConfig, stackFile, unpack, type Version, type Versions } from "./versions";
import { arrow, code } from "./words";

const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const SERVER = "kubernetes:apps/v1:StatefulSet";

/**
 * The effects on every stack of an update from a commit to this checkout, without cluster, daemon or network: renders and
 * compares both versions of the program.
 *
 * @param root folder of the project
 * @param base any name of a commit
 * @param stacks empty: all stacks of either version
 */
export async function plansSince(root: string, base: string, stacks: readonly string[]): Promise<Plan[]> {
  const versions = unpack(root, base);
  try {
    const { before, after } = versions;
    const names = stacks.length > 0 ? stacks : [...new Set([...before.stacks, ...after.stacks])].sort();
    const lost = names.find((name) => ![...before.stacks, ...after.stacks].includes(name));
    if (lost !== undefined)
      throw new UsageError(
        `there is no Pulumi.${lost}.yaml, neither here nor in ${base}; nothing was compared`,
      );
    const [old = [], now = []] = await renderBoth(versions, names);
    const packages = packageRows(before.folder, after.folder);
    return names.map((name) => ({
      ...plan(name, base, versions, old, now),
      more: [...moreRows(name, versions, old, now), ...packages],
    }));
  } finally {
    versions.remove();
  }
}

function plan(
  stack: string,
  base: string,
  { before, after }: Versions,
  old: readonly Answer[],
  now: readonly Answer[],
): Omit<Plan, "more"> {
  if (!after.stacks.includes(stack)) return { stack, steps: [], review: undefined };
  const config = stackConfig(after, stack);
  const review = ownValue(config, "review");
  const [was, is] = [old, now].map((answers) => answers.find((answer) => answer.stack === stack));
  if (is?.error !== undefined) return { stack, steps: [], failure: is.error, review };
  if (was?.error !== undefined) {
    const hint = `compare with the commit that runs, if that is another: BASE=<commit>`;
    return { stack, steps: [], failure: `${base} can't be rendered, ${hint}\n${was.error}`, review };
  }
  if (is?.rendered === undefined || (was?.rendered === undefined && before.stacks.includes(stack)))
    return { stack, steps: [], failure: "the program gave no answer", review };
  const mutable = ["ConfigMap", "Secret"].every(
    (kind) => String(config[`kubernetes:enable${kind}Mutable`]) === "true",
  );
  const version = versionIn(ownValue(config, "postgres"));
  return { stack, steps: compare(was?.rendered, is.rendered, mutable), version, review };
}

/** The effects of adding or removing a stack's file. */
function moreRows(
  stack: string,
  { before, after }: { before: Version; after: Version },
  old: readonly Answer[],
  now: readonly Answer[],
): Row[] {
  if (!after.stacks.includes(stack)) {
    return [
      {
        resource: `Pulumi.${stack}.yaml`,
        change: "deleted",
        effect: "nothing",
        why: leftAlone(archivesOf(stack, old)),
      },
    ];
  }
  const imports = importedRows(stack, before, after);
  if (before.stacks.includes(stack)) return imports;
  const own = claims(now.find((answer) => answer.stack === stack)?.rendered);
  return old
    .filter(({ rendered }) => claims(rendered).some((claim) => own.includes(claim)))
    .map((other) => ({
      resource: `Pulumi.${stack}.yaml`,
      change: `claim ${code(own.join())}`,
      effect: "refused" as const,
      why: `the claim is that of stack ${other.stack}: no other stack can take it`,
    }));
}

/** Values from Pulumi ESC are not in the stack's file: both versions render with the same ones, whatever ESC has. */
function importedRows(stack: string, before: Version, after: Version): Row[] {
  const [from, to] = [before, after].map((version) =>
    version.stacks.includes(stack) ? stackFile(version, stack).environment : undefined,
  );
  if (to === undefined) return [];
  const other = JSON.stringify(from) !== JSON.stringify(to);
  return [
    {
      resource: `Pulumi.${stack}.yaml`,
      change: arrow("environment", other ? from : undefined, to),
      effect: "unknown",
      data: other,
      why: "what the stack takes from Pulumi ESC was not read: only a preview of the stack shows what changes there",
    },
  ];
}

/** What happens to a stack whose file is gone. */
function leftAlone(archives: readonly string[]): string {
  const why = "nothing is deleted with it: what runs keeps running until `pulumi destroy`";
  if (archives.length === 0) return why;
  return `${why}, and takes base backups until then; after that, no backup is taken. ${archives.map(abandoned).join(". ")}`;
}

/** The archives of a stack's databases. */
function archivesOf(stack: string, answers: readonly Answer[]): string[] {
  const { resources = [] } = answers.find((answer) => answer.stack === stack)?.rendered ?? {};
  return resources
    .filter(({ type }) => type === SERVER)
    .map(({ inputs }) => placeOf(serverEnvironment(inputs)))
    .filter((prefix) => prefix !== "");
}

/** `namespace/name` of the claims. */
function claims(rendered: Rendered | undefined): string[] {
  return (rendered?.resources ?? [])
    .filter(({ type }) => type === CLAIM)
    .map(({ inputs }) => inputs.metadata as Values)
    .map(({ namespace, name }) => `${namespace}/${name}`);
}
