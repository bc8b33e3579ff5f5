/**
 * `adoption/main.ts STACK`: rebuilds the stack's state from the running objects. Changes nothing in the cluster.
 */
import { fail } from "../local/fail";
import { attempt, run } from "../local/process";
import { NOTHING, refuseKubeconfig, refuseOthers, refuseStrangers, SERVER } from "./refuse";
import { adopt, type Live, type Resource, type Values } from "./state";

const MINE = "app.kubernetes.io/managed-by=postgres-stack";

type Pulumi = (args: readonly string[], input?: string) => Promise<string>;
interface Export {
  readonly deployment: { readonly resources?: readonly Resource[]; readonly pending_operations?: unknown };
}

async function main(stack: string): Promise<void> {
  // an interrupt ends the current command, and the catch block below restores the previous state
  process.on("SIGINT", () => {});
  const pulumi: Pulumi = (args, input) =>
    run("pulumi", [...args, "--stack", stack, "--non-interactive", "--color", "never"], { input });
  const before = JSON.parse(await pulumi(["stack", "export"])) as Export;
  const old = before.deployment.resources ?? [];
  if (old.some(({ type }) => type === SERVER))
    throw new Error(
      `the stack ${stack} has a state with a server in it; nothing was changed. There is nothing to adopt.`,
    );
  try {
    await importState(pulumi, withResources(before, [])); // with an empty state the preview covers everything
    const { planned, config } = await plan(stack);
    refuseOthers(old, planned);
    refuseKubeconfig(config);
    const live = await objects(planned, config);
    refuseStrangers(planned, live);
    const { resources, missing } = adopt(planned, live, config);
    await importState(pulumi, withResources(before, resources));
    await pulumi(["refresh", "--yes", "--skip-preview"]);
    console.log(
      `Adopted into the state of ${stack}: ${resources.length} resources. Nothing in the cluster was changed.`,
    );
    for (const one of missing) console.log(`Not found, the next update creates it: ${one}`);
  } catch (error) {
    await importState(pulumi, before);
    throw error;
  }
}

const withResources = (state: Export, resources: readonly Resource[]): Export => ({
  ...state,
  deployment: { ...state.deployment, resources, pending_operations: [] },
});

/** Uses no file, which an interrupt would leave behind: the state holds passwords. */
async function importState(pulumi: Pulumi, state: Export): Promise<void> {
  await pulumi(["stack", "import"], JSON.stringify(state));
}

/** What an update would create from an empty state. */
async function plan(stack: string): Promise<{ planned: Resource[]; config: Values }> {
  const args = ["preview", "--json", "--stack", stack, "--non-interactive"];
  const { code, stdout, stderr } = await attempt("pulumi", args);
  if (code !== 0) throw new Error(`the stack's preview failed. ${NOTHING}\n${stderr}${diagnosed(stdout)}`);
  const { steps, config } = JSON.parse(stdout) as { steps: { newState: Resource }[]; config: Values };
  return { planned: steps.map(({ newState }) => newState), config };
}

function diagnosed(stdout: string): string {
  try {
    const { diagnostics } = JSON.parse(stdout) as { diagnostics?: { message: string; severity: string }[] };
    return (diagnostics ?? [])
      .filter(({ severity }) => severity === "error")
      .map(({ message }) => message)
      .join("");
  } catch {
    return stdout;
  }
}

/** This program's objects in the stack's namespaces, in the cluster that the stack names or that kubectl reaches. */
async function objects(planned: readonly Resource[], config: Values): Promise<Live[]> {
  const context = config["kubernetes:context"];
  const kubectl = async (...args: string[]) =>
    (JSON.parse(await run("kubectl", [...(context ? [`--context=${context}`] : []), ...args, "-o", "json"]))
      .items ?? []) as Live[];
  const metadata = planned.map(({ inputs }) => inputs?.metadata as { namespace?: string } | undefined);
  const namespaces = new Set(metadata.flatMap((it) => it?.namespace ?? []));
  const kinds = planned.flatMap(({ type, inputs }) =>
    type.startsWith("kubernetes:") && inputs?.kind !== "Namespace" ? String(inputs?.kind).toLowerCase() : [],
  );
  const wanted = [...new Set(kinds)].join(",");
  const lists = [...namespaces].map((it) =>
    kubectl("get", wanted, "-n", it, "-l", MINE, "--show-managed-fields"),
  );
  const spaces = [...namespaces].map((it) =>
    kubectl("get", "namespace", `--field-selector=metadata.name=${it}`),
  );
  return (await Promise.all([...spaces, ...lists])).flat();
}

main(process.argv[2] ?? "").catch(fail);
