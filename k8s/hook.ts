import * as pulumi from "@pulumi/pulumi";

/**
 * Resource options that refuse an update before anything changes, in a preview too.
 *
 * @param problem compares the old and new inputs and says what is wrong with the update; undefined if nothing is
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

/** The SDK's mocks, which other programs use in tests, fail at a hook and never update; every real engine supports hooks. */
function knowsHooks(): boolean {
  return "registerResourceHook" in (pulumi.runtime.getMonitor() ?? {});
}
