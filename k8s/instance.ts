import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings/settings";
import type { Identity } from "./names";

/** A stack's settings from settingsFrom or loadSettings, with the resulting image. */
export interface PostgresInstanceArgs extends Omit<Settings, "image"> {
  /** The pods' image, by digest if it is known. */
  readonly image: pulumi.Input<string>;
  /** The image's tag, known at preview: the pod carries it so that a review shows which image an update uses. */
  readonly imageTag: string;
  /** Target cluster. Default: that of the program's `kubernetes:` configuration. */
  readonly cluster?: ClusterArgs;
}

/** A cluster, in the form of `kubernetes.Provider`'s arguments; `{}` means kubectl's current cluster. */
export interface ClusterArgs {
  /** Content or path of the kubeconfig; default: kubectl's own. */
  readonly kubeconfig?: pulumi.Input<string>;
  /** A context of the kubeconfig; default: the current one. */
  readonly context?: pulumi.Input<string>;
  /** A cluster of the kubeconfig that overrides the context's. */
  readonly cluster?: pulumi.Input<string>;
  /** Set it if the kubeconfig is an output: then only a new value here, not an edited kubeconfig, means another cluster. */
  readonly clusterIdentifier?: pulumi.Input<string>;
}

/** Input of every file in this folder: the arguments and the identity of the instance. */
export interface Instance extends PostgresInstanceArgs, Identity {
  /** The component, parent of every object. */
  readonly component: pulumi.ComponentResource;
}

/** Options of an object that waits for others; ignores undefined ones. */
export function after(
  { component }: Instance,
  ...needed: readonly (pulumi.Resource | undefined)[]
): pulumi.CustomResourceOptions & { readonly parent: pulumi.Resource } {
  return { parent: component, dependsOn: needed.filter((it) => it !== undefined) };
}
