import * as pulumi from "@pulumi/pulumi";

/** Compares the old and new inputs of an update. */
type Says = (oldInputs: unknown, newInputs: unknown) => string | undefined;

/**
 * Resource options that refuse an update before anything changes, in a preview too.
 *
 * @param problem says what is wrong with the update; undefined if nothing is
 * @param notice what to say of an update that only the API server may refuse, in its own words
 */
export function refusesUpdate(
  name: string,
  problem: Says,
  notice: Says = () => undefined,
): Pick<pulumi.CustomResourceOptions, "hooks"> {
  if (!knowsHooks()) return {};
  const hook = new pulumi.ResourceHook(
    name,
    ({ oldInputs, newInputs }) => {
      const found = problem(oldInputs, newInputs);
      if (found !== undefined) throw new Error(found);
      const said = notice(oldInputs, newInputs);
      if (said !== undefined) void pulumi.log.info(said);
    },
    { onDryRun: true },
  );
  return { hooks: { beforeUpdate: [hook] } };
}

/** The SDK's mocks, which other programs use in tests, fail at a hook and never update; every real engine supports hooks. */
function knowsHooks(): boolean {
  return "registerResourceHook" in (pulumi.runtime.getMonitor() ?? {});
}
