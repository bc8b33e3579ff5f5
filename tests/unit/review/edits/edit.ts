import type { Rendered, RenderedResource } from "../../../../render/record";
import type { Effect } from "../../../../review/effects";

/** An edit of the program itself, as a stack's file can't say it: what it makes of one object, and what it must be called. */
export interface ProgramEdit {
  readonly what: string;
  /** `Kind name` of the object. */
  readonly of: string;
  /** Changes the object in place; nothing: the object is gone. */
  readonly edit?: (object: RenderedResource) => void;
  /** Another object beside it, in place of an edit. */
  readonly adds?: Pick<RenderedResource, "type" | "name" | "inputs"> & { readonly outside?: true };
  readonly is: Effect;
  /** It is said, and stops nothing. */
  readonly mild?: true;
  /** Only two commits show it: the engine says nothing about it in a preview. */
  readonly commitsAlone?: true;
}

// biome-ignore lint/suspicious/noExplicitAny: any tree
export type Any = any;

export const within = (path: string, change: (at: Any) => void) => (object: RenderedResource) => {
  const keys = path.split(".").filter((key) => key !== "");
  change(keys.reduce<Any>((value, key) => (value[key] ??= {}), object.inputs));
};
export const options = (given: Partial<RenderedResource["options"]>) => (object: RenderedResource) => {
  Object.assign(object.options, given);
};
export const pod = (change: (spec: Any) => void) => within("spec.template.spec", change);
export const container = (change: (server: Any) => void) => pod((spec) => change(spec.containers[0]));
export const mount = (name: string, change: (mount: Any) => void) =>
  container(({ volumeMounts }) => change(volumeMounts.find((it: Any) => it.name === name)));
export const without = (name: string, list: Any[]) => list.filter((it) => it.name !== name);
export const job = (change: (spec: Any) => void) => within("spec.jobTemplate.spec.template.spec", change);
export const tool = (change: (it: Any) => void) => job((spec) => change(spec.containers[0]));
export const variable = (name: string, value: string) => (it: Any) => {
  it.env = [...without(name, it.env), { name, value }];
};

export const SERVER = "StatefulSet postgres";
export const SCHEDULE = "CronJob postgres-backup";
export const REPLACED: Effect = "REPLACES THE DATABASE";
export const STUCK: Effect = "may not serve";
export const ENDS: Effect = "backups end";

/** A rendered stack after an edit. */
export function edited(rendered: Rendered, { of, edit, adds }: ProgramEdit): Rendered {
  const copy = structuredClone(rendered);
  const found = copy.resources.find(({ type, name }) => `${type.split(":").pop()} ${name}` === of);
  if (found === undefined) throw new Error(`no ${of} among ${copy.resources.map(({ name }) => name).join()}`);
  if (adds) return { ...copy, resources: [...copy.resources, beside(found, adds)] };
  edit?.(found);
  return { ...copy, resources: copy.resources.filter((it) => edit !== undefined || it !== found) };
}

/** An object with the same parent as another, or with none. */
function beside(
  { urn, options: given }: RenderedResource,
  { type, name, inputs, outside }: NonNullable<ProgramEdit["adds"]>,
): RenderedResource {
  const [stack, types = ""] = [urn.split("::").slice(0, 2).join("::"), urn.split("::")[2]];
  const around = outside ? [] : types.split("$").slice(0, -1);
  const { parent, ...rest } = given;
  const own = { ...rest, ...(!outside && parent && { parent }), protect: false, dependsOn: [], hooks: [] };
  return { type, name, urn: `${stack}::${[...around, type].join("$")}::${name}`, inputs, options: own };
}
