/** Takes over what an update that was cut off was about to make: local/cut-off.sh. */
import { readFileSync, writeFileSync } from "node:fs";

/** What `pulumi stack export` writes, as far as it is read here. */
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
  /** What was interrupted, in words. */
  readonly interrupted: readonly string[];
}

/**
 * A state in which nothing is pending. Of an object of Kubernetes that was being created nobody knows whether it is there: it is
 * written down as if it were, and the refresh that has to follow reads it, or takes it out. Without that, the next update would be
 * refused, as the object already exists. What was being updated or deleted is in the state as it was before, and is done again.
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

/** `namespace/name`, which the program or the provider has chosen before it creates anything. */
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
