import * as pulumi from "@pulumi/pulumi";

/**
 * Options of a resource that refuse an update of it before anything changes, at a preview too.
 *
 * @param problem says from the old and the new inputs what is wrong with the update; undefined: nothing is
 */
export function refusesUpdate(
  name: string,
  problem: (oldInputs: unknown, newInputs: unknown) => string | undefined,
): Pick<pulumi.CustomResourceOptions, "hooks"> {
  if (!knowsHooks()) return {};
  const hook = new pulumi.ResourceHook(
    name,
    ({ oldInputs, newInputs }) => {
      const found = problem(oldInputs, newInputs);
      if (found !== undefined) throw new Error(found);
    },
    { onDryRun: true },
  );
  return { hooks: { beforeUpdate: [hook] } };
}

/** The SDK's mocks, on which another program tests itself, update nothing and end at a hook: every real engine's monitor has them. */
function knowsHooks(): boolean {
  return "registerResourceHook" in (pulumi.runtime.getMonitor() ?? {});
}
