/** Adopts what an interrupted update was about to create; used by local/cut-off.sh. */
import { readFileSync, writeFileSync } from "node:fs";

/** The part of `pulumi stack export` that we need. */
export interface State {
  readonly deployment: {
    readonly resources?: readonly Resource[];
    readonly pending_operations?: readonly { readonly type: string; readonly resource: Resource }[];
  };
}

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly inputs?: { readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown } };
}

export interface TakenOver {
  readonly state: State;
  /** The interrupted operations, in words. */
  readonly interrupted: readonly string[];
}

/**
 * A state without pending operations. Pulumi doesn't know whether a Kubernetes object that it was creating exists. This records
 * it as created, and the refresh that must follow reads or removes it; otherwise the next update would fail because the object
 * already exists. For interrupted updates and deletions the state is still the previous one, and the next update repeats them.
 */
export function takeOver(state: State): TakenOver {
  const { resources = [], pending_operations: pending = [], ...deployment } = state.deployment;
  const known = new Set(resources.map(({ urn }) => urn));
  const made = pending
    .filter(({ type, resource }) => type === "creating" && !known.has(resource.urn))
    .flatMap(({ resource }) => {
      const id = idOf(resource);
      return id === undefined ? [] : [{ ...resource, id, outputs: resource.inputs }];
    });
  return {
    state: { ...state, deployment: { ...deployment, resources: [...resources, ...made] } },
    interrupted: pending.map(
      ({ type, resource }) => `${type} ${resource.urn.split("::").slice(2).join(" ")}`,
    ),
  };
}

/** `namespace/name`, which the program or the provider chooses before it creates the object. */
function idOf({ type, inputs }: Resource): string | undefined {
  const { name, namespace } = inputs?.metadata ?? {};
  if (!type.startsWith("kubernetes:") || typeof name !== "string") return undefined;
  return typeof namespace === "string" ? `${namespace}/${name}` : name;
}

if (require.main === module) {
  const [from = "", to = ""] = process.argv.slice(2);
  const { state, interrupted } = takeOver(JSON.parse(readFileSync(from, "utf8")));
  writeFileSync(to, JSON.stringify(state), { mode: 0o600 });
  for (const line of interrupted) console.log(`  interrupted: ${line}`);
}
