/** Cases that can't be adopted. */
import type { Live, Resource, Values } from "./state";

const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
export const SERVER = "kubernetes:apps/v1:StatefulSet";
export const NOTHING = "State and cluster are as they were.";

/** @throws if the state holds resources that this program doesn't create: adoption would lose them */
export function refuseOthers(old: readonly Resource[], planned: readonly Resource[]): void {
  const ours = new Set(planned.map(({ urn }) => urn));
  const other = old.find(({ urn }) => !ours.has(urn) && !/::pulumi:providers:\w+::default/.test(urn));
  if (other) throw new Error(`the state holds ${other.urn}, which this program does not create. ${NOTHING}`);
}

/** @throws if the stack's file contains a kubeconfig: kubectl may read another cluster */
export function refuseKubeconfig(config: Values): void {
  if (config["kubernetes:kubeconfig"] !== undefined)
    throw new Error(
      `the stack's file has kubernetes:kubeconfig, which kubectl does not read. ${NOTHING} Put it into KUBECONFIG, remove it from the file until the state is rebuilt, and run this again.`,
    );
}

/** @throws if no database runs, or it belongs to another stack */
export function refuseStrangers(planned: readonly Resource[], live: readonly Live[]): void {
  for (const { type, inputs } of planned) {
    if (type !== CLAIM && type !== SERVER) continue;
    const { metadata, kind } = inputs as { metadata: Live["metadata"]; kind: string };
    const { namespace, name, annotations, labels } = metadata;
    if ((labels as Values | undefined)?.["postgres-stack/disposable"] === "true")
      throw new Error(
        `the stack is disposable, so its data are not kept. ${NOTHING} To start over: kubectl delete namespace ${namespace}`,
      );
    const found = live.find(
      (it) => it.kind === kind && it.metadata.name === name && it.metadata.namespace === namespace,
    );
    if (!found)
      throw new Error(
        `there is no ${kind} ${name} in the namespace ${namespace}: no database runs there. ${NOTHING} For a claim that was kept: pulumi up.`,
      );
    const [owner, wanted] = [found.metadata.annotations, annotations].map(
      (it) => it?.["postgres-stack/owner"],
    );
    if (owner !== wanted)
      throw new Error(
        `the claim ${namespace}/${name} belongs to ${owner ?? "nobody"}, not to ${wanted}. ${NOTHING} See docs/stacks.md.`,
      );
  }
}
