import type { Rendered, RenderedResource } from "../../../render/record";
import { compare } from "../../../review/compare";
import type { Change } from "../../../review/diff";
import { readUrn } from "../../../review/step";

/**
 * What `pulumi preview --json` says about an update from one version to another: every resource with its state before and after,
 * Secrets hidden on both sides. Only which operation it is comes from the comparison; tests/unit/review/recorded holds what the
 * CLI said itself.
 */
export function previewOf(before: Rendered, after: Rendered): string {
  const operations = new Map(compare(before, after).map((step) => [`${step.type}::${step.name}`, step]));
  const [old, now] = [before, after].map(({ resources }) => new Map(resources.map((it) => [it.urn, it])));
  const urns = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])];
  const steps = urns.map((urn) => {
    const [from, to] = [old?.get(urn), now?.get(urn)];
    const { types, name } = readUrn(urn);
    const step = operations.get(`${types.at(-1)}::${name}`);
    const changes = step?.changes.filter(({ path }) => path[0] !== "options") ?? [];
    const same = from && to && changes.length === 0 && step?.operation !== "replace";
    return {
      op: same ? "same" : (step?.operation ?? "same").replace("unknown", "update"),
      urn,
      oldState: state(from),
      newState: state(to),
      replaceReasons: step?.replacedBy,
      detailedDiff: Object.fromEntries(
        changes.map((it) => [it.path.map(key).join("."), { kind: kindOf(it) }]),
      ),
    };
  });
  return JSON.stringify({ config: {}, steps });
}

function state(resource: RenderedResource | undefined) {
  if (resource === undefined) return undefined;
  const { type, component, inputs, options } = resource;
  const { protect, retainOnDelete, parent } = options;
  return {
    type,
    custom: !component,
    parent: parent && `urn:pulumi:prod::postgres-stack::${parent}`,
    inputs: hidden(type, withoutEmpty(inputs)),
    ...(protect && { protect }),
    ...(retainOnDelete && { retainOnDelete }),
  };
}

/** The provider's state has no annotations where the program has none. */
function withoutEmpty(inputs: RenderedResource["inputs"]): RenderedResource["inputs"] {
  return JSON.parse(JSON.stringify(inputs).replace(/"annotations":\{\},|,"annotations":\{\}/g, ""));
}

/** The CLI hides an object of secrets as a whole, and the API server keeps what is given as text in another form. */
function hidden(type: string, { stringData, ...inputs }: RenderedResource["inputs"]) {
  return type === "kubernetes:core/v1:Secret" ? { ...inputs, data: "[secret]" } : { stringData, ...inputs };
}

function kindOf({ before, after }: Change): string {
  if (before === undefined) return "add";
  return after === undefined ? "delete" : "update";
}

function key(part: string): string {
  return part === "stringData" ? "data" : /^[\w-]+$/.test(part) ? part : `["${part}"]`;
}
