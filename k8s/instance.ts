import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings/settings";
import type { Identity } from "./names";

/** What settingsFrom or loadSettings made of a stack's file, with the image that it led to. */
export interface PostgresInstanceArgs extends Omit<Settings, "image"> {
  /** What the pods run, by digest where it is known. */
  readonly image: pulumi.Input<string>;
  /** The image's tag, known at preview: a label on the pod, so that a review shows which image is meant. */
  readonly imageTag: string;
  /** Where it runs. Default: the cluster of the program's `kubernetes:` configuration. */
  readonly cluster?: ClusterArgs;
}

/** A cluster, as `kubernetes.Provider` takes it; `{}` is the one that kubectl reaches. */
export interface ClusterArgs {
  /** Its content or where it lies; kubectl's own when left out. */
  readonly kubeconfig?: pulumi.Input<string>;
  /** A context of the kubeconfig; the current one when left out. */
  readonly context?: pulumi.Input<string>;
  /** A cluster of the kubeconfig, in place of the context's. */
  readonly cluster?: pulumi.Input<string>;
  /** Give one where the kubeconfig is an output: then only another value here, and no edit of the kubeconfig, is another cluster. */
  readonly clusterIdentifier?: pulumi.Input<string>;
}

/** What every file of this folder is given: the arguments, and what the instance's objects are called. */
export interface Instance extends PostgresInstanceArgs, Identity {
  /** The component, parent of every object. */
  readonly component: pulumi.ComponentResource;
}

/** Options of an object that waits for others; those that there are none of are left out. */
export function after(
  { component }: Instance,
  ...needed: readonly (pulumi.Resource | undefined)[]
): pulumi.CustomResourceOptions & { readonly parent: pulumi.Resource } {
  return { parent: component, dependsOn: needed.filter((it) => it !== undefined) };
}
