import type { Rendered, RenderedResource } from "../render/record";
import { type Change, changesOf } from "./diff";
import { covered, forcesNew, ignored } from "./replace";
import { type Operation, readUrn, type Step } from "./step";

/**
 * The steps from one version of a program to another, as Pulumi's engine would take them, without a cluster or provider.
 *
 * @param before undefined if the stack is new
 * @param mutable whether ConfigMaps and Secrets change in place (`kubernetes:enableConfigMapMutable` and similar keys)
 */
export function compare(before: Rendered | undefined, after: Rendered, mutable = true): Step[] {
  const old = new Map((before?.resources ?? []).map((resource) => [resource.urn, resource]));
  const steps: Step[] = [];
  for (const resource of after.resources) {
    const urn = [resource.urn, ...(resource.aliases ?? [])].find((it) => old.has(it)) ?? "";
    const more = [
      ...providerChange(old.get(urn), resource, after),
      ...waitsForLess(old.get(urn), resource, before, after),
    ];
    steps.push(...stepOf(old.get(urn), resource, mutable, more));
    old.delete(urn);
  }
  for (const resource of old.values()) steps.push(...stepOf(resource, undefined, mutable));
  return steps;
}

function stepOf(
  before: RenderedResource | undefined,
  after: RenderedResource | undefined,
  mutable: boolean,
  more: readonly Change[] = [],
): Step[] {
  const resource = after ?? before;
  if (resource === undefined) return [];
  if (resource.component && !resource.type.startsWith("postgres-stack:")) return []; // its children have their own steps
  const found = [...changesOf(before?.inputs, after?.inputs), ...optionChanges(before, after)].filter(
    ({ path }) =>
      !ignored(resource.type, path) &&
      !(after && isOption(path) === false && covered(after.options.ignoreChanges, path)),
  );
  const changes = [...found, ...more];
  if (before && after && changes.length === 0) return [];
  const replacedBy =
    before && after
      ? changes
          .filter((it) => it.path[0] === "provider" || forcesNew(after, it.path, mutable))
          .map(({ path }) => path.join("."))
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

/**
 * With another provider the engine recreates an object, because the cluster may differ; an alias keeps the object. Between the
 * program's default provider and the adopting one, on the same cluster, it updates in place (tests/stack/disposable.test.ts).
 */
function providerChange(
  before: RenderedResource | undefined,
  after: RenderedResource,
  { resources }: Rendered,
): Change[] {
  const [from, to] = [before?.options.provider, after.options.provider];
  if (before === undefined || before.component || from === to) return [];
  if (from === undefined ? ADOPTING.test(String(to)) : to === undefined && ADOPTING.test(from)) return [];
  const now = resources.find(({ type, name }) => `${type}::${name}` === to);
  if (now?.aliases?.some((urn) => `${readUrn(urn).types.at(-1)}::${readUrn(urn).name}` === from)) return [];
  return [{ path: ["provider"], before: from, after: to }];
}

/** The provider that k8s/cluster.ts creates for objects that outlive a stack. */
const ADOPTING = /^pulumi:providers:kubernetes::.*-kept$/;

/** The server and its configuration: every other resource that waits, waits for these. */
const READ = ["kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:ConfigMap"];

/** A check that still exists but no longer stops a resource, which waited for it directly or indirectly. */
function waitsForLess(
  before: RenderedResource | undefined,
  after: RenderedResource,
  was: Rendered | undefined,
  now: Rendered,
): Change[] {
  if (before === undefined || was === undefined || !READ.includes(after.type)) return [];
  const there = now.resources.map(({ type, name }) => `${type}::${name}`);
  const [from, to] = [checksBefore(before, was), checksBefore(after, now)];
  const lost = from.filter((it) => !to.includes(it) && there.includes(it));
  return lost.length > 0 ? [{ path: ["options", "dependsOn"], before: from, after: to }] : [];
}

/** Jobs with check names that a resource waits for, directly or indirectly. */
function checksBefore({ options }: RenderedResource, { resources }: Rendered): string[] {
  const known = new Map(resources.map((it) => [`${it.type}::${it.name}`, it.options.dependsOn]));
  const found = new Set<string>();
  for (const next = [...options.dependsOn]; next.length > 0; ) {
    const name = next.pop() ?? "";
    if (!found.has(name)) next.push(...(known.get(name) ?? []));
    found.add(name);
  }
  return [...found]
    .filter((it) => /^kubernetes:batch\/v1:Job::.*-(admission|check|preflight)$/.test(it))
    .sort();
}

/** Only the cluster knows whether a provider still means the same cluster. */
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

/** Lost protection gets a row, because Pulumi's own preview does not show it. */
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
