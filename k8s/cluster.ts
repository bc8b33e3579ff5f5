import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { isSecret } from "../settings/config";
import type { ClusterArgs } from "./instance";

/** Without these, a changed setting would replace the ConfigMap and the Secrets that the server has mounted. */
const IN_PLACE = ["enableConfigMapMutable", "enableSecretMutable"] as const;

/** Adds a provider for the cluster in a component's arguments, if they name one. */
export function onCluster(
  name: string,
  args: ClusterArgs | undefined,
  opts: pulumi.ComponentResourceOptions = {},
): pulumi.ComponentResourceOptions {
  if (args === undefined) return opts;
  const mutable = Object.fromEntries(IN_PLACE.map((key) => [key, true]));
  const provider = new k8s.Provider(
    `${name}-cluster`,
    { ...reached(args), ...mutable },
    { parent: opts.parent },
  );
  const { providers } = opts;
  return {
    ...opts,
    providers: Array.isArray(providers) ? [...providers, provider] : { ...providers, kubernetes: provider },
  };
}

/**
 * Ensures that a component without a cluster argument uses the program's default provider, and that this provider changes
 * ConfigMaps and Secrets in place.
 *
 * @throws if it inherited another provider: the claim's own provider could not follow that one to its cluster
 */
export function requireDefaultProvider(component: pulumi.ComponentResource, name: string): void {
  if (component.getProvider("kubernetes:core/v1:PersistentVolumeClaim") !== undefined) {
    throw new pulumi.RunError(
      `${name} was given a Kubernetes provider, and its claim needs one of its own for the same cluster: name the cluster by ` +
        "the argument `cluster` instead. Nothing was registered.",
    );
  }
  const config = new pulumi.Config("kubernetes");
  const missing = IN_PLACE.filter((key) => config.getBoolean(key) !== true).map((key) => `kubernetes:${key}`);
  if (missing.length > 0) {
    throw new pulumi.RunError(
      `${name} needs ${missing.join(" and ")} true in Pulumi.yaml, or the argument \`cluster\` ({} for the cluster that kubectl ` +
        "reaches): a changed setting would replace what the server has mounted. Nothing was registered.",
    );
  }
}

/**
 * The provider of the claim and the namespace, the only one that may adopt existing objects. An explicit provider doesn't read
 * the program's `kubernetes:` keys, so this passes them on.
 */
export function adoptingProvider(
  name: string,
  args: ClusterArgs | undefined,
  parent: pulumi.Resource,
): k8s.Provider {
  const programs = {
    kubeconfig: fromProgram("kubeconfig"),
    context: fromProgram("context"),
    cluster: fromProgram("cluster"),
  };
  return new k8s.Provider(
    `${name}-kept`,
    { ...reached(args ?? programs), upsertExistingObjects: true },
    { parent },
  );
}

/** A key of the program's configuration; a secret if the stack's file encrypts it. */
function fromProgram(key: string): pulumi.Input<string> | undefined {
  const config = new pulumi.Config("kubernetes");
  return isSecret(`kubernetes:${key}`) ? config.getSecret(key) : config.get(key);
}

/** Sets `kubeconfig` because the SDK's default would put the path of $KUBECONFIG into the state. */
function reached({ kubeconfig = "", ...args }: ClusterArgs): k8s.ProviderArgs {
  return { ...args, kubeconfig: isContent(kubeconfig) ? pulumi.secret(kubeconfig) : kubeconfig };
}

/** Whether this is the kubeconfig itself, which holds credentials, and not its path. */
function isContent(kubeconfig: pulumi.Input<string>): boolean {
  return typeof kubeconfig === "string" && /\n|\{\s*"/.test(kubeconfig);
}
