import type { Rendered, RenderedResource } from "../render/record";
import { type Change, changesOf } from "./diff";
import { covered, forcesNew, ignored } from "./replace";
import { type Operation, readUrn, type Step } from "./step";

/**
 * The steps from one version of a program to another, as the engine would take them; no cluster and no provider is asked.
 *
 * @param before nothing where the stack is new
 * @param mutable whether ConfigMaps and Secrets change in place (`kubernetes:enableConfigMapMutable` and its like)
 */
export function compare(before: Rendered | undefined, after: Rendered, mutable = true): Step[] {
  const old = new Map((before?.resources ?? []).map((resource) => [resource.urn, resource]));
  const steps: Step[] = [];
  for (const resource of after.resources) {
    const urn = [resource.urn, ...(resource.aliases ?? [])].find((it) => old.has(it)) ?? "";
    steps.push(...stepOf(old.get(urn), resource, mutable));
    old.delete(urn);
  }
  for (const resource of old.values()) steps.push(...stepOf(resource, undefined, mutable));
  return steps;
}

function stepOf(
  before: RenderedResource | undefined,
  after: RenderedResource | undefined,
  mutable: boolean,
): Step[] {
  const resource = after ?? before;
  if (resource === undefined) return [];
  if (resource.component && !resource.type.startsWith("postgres-stack:")) return []; // its parts are steps of their own
  const changes = [...changesOf(before?.inputs, after?.inputs), ...optionChanges(before, after)].filter(
    ({ path }) =>
      !ignored(resource.type, path) &&
      !(after && isOption(path) === false && covered(after.options.ignoreChanges, path)),
  );
  if (before && after && changes.length === 0) return [];
  const replacedBy =
    before && after
      ? changes.filter(({ path }) => forcesNew(after, path, mutable)).map(({ path }) => path.join("."))
      : [];
  const { types, name } = readUrn(resource.urn);
  return [
    {
      operation: operationOf(before, after, replacedBy),
      type: resource.type,
      name,
      within: types.slice(0, -1),
      ...(resource.options.parent && { parent: resource.options.parent }),
      ...(before && { before: before.inputs }),
      ...(after && { after: after.inputs }),
      changes,
      replacedBy,
      protect: before?.options.protect === true && (after ?? before).options.protect,
      retain: before?.options.retainOnDelete === true,
    },
  ];
}

/** Whether a provider still means the same cluster, only the cluster knows. */
function operationOf(
  before: RenderedResource | undefined,
  after: RenderedResource | undefined,
  replacedBy: readonly string[],
): Operation {
  if (!before) return "create";
  if (!after) return "delete";
  if (after.type.startsWith("pulumi:providers:")) return "unknown";
  return replacedBy.length > 0 ? "replace" : "update";
}

function isOption([first]: readonly string[]): boolean {
  return first === "options";
}

/** Protection that is taken away is worth a line; Pulumi's own preview does not show it. */
function optionChanges(before?: RenderedResource, after?: RenderedResource): Change[] {
  if (!before || !after) return [];
  const flags = (["protect", "retainOnDelete"] as const)
    .filter((option) => before.options[option] && !after.options[option])
    .map((option) => ({ path: ["options", option], before: true, after: false }));
  const lost = (option: "hooks") => before.options[option].some((it) => !after.options[option].includes(it));
  const gained = (option: "ignoreChanges" | "replaceOnChanges") =>
    after.options[option].some((it) => !before.options[option].includes(it));
  const lists = [
    ...(["hooks"] as const).filter(lost),
    ...(["ignoreChanges", "replaceOnChanges"] as const).filter(gained),
  ].map((option) => ({
    path: ["options", option],
    before: before.options[option],
    after: after.options[option],
  }));
  return [...flags, ...lists];
}
