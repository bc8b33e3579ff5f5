import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { databaseSelector, headlessName, type Identity, labels, PORT, ROLE_LABEL } from "./names";

export interface NetworkArgs {
  /** How clients reach the database: inside the cluster by default. */
  readonly serviceType: "ClusterIP" | "LoadBalancer" | "NodePort";
  /** For load balancers: `service.beta.kubernetes.io/aws-load-balancer-internal` and the like. */
  readonly serviceAnnotations: Record<string, string>;
}

const ports = [{ name: "postgres", port: PORT, targetPort: "postgres" }];

/** The Service that gives the pod its stable name; the StatefulSet needs it to exist, ready or not. */
export function createHeadlessService(
  identity: Identity,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
  return new k8s.core.v1.Service(
    `${identity.name}-headless`,
    {
      metadata: {
        name: headlessName(identity),
        namespace: identity.namespace,
        labels: labels(identity, "database"),
      },
      spec: {
        clusterIP: "None",
        publishNotReadyAddresses: true,
        selector: databaseSelector(identity),
        ports,
      },
    },
    opts,
  );
}

/**
 * The Service that applications use: whichever pod takes writes. Only a load balancer is waited for: the StatefulSet's pod
 * is ready by then, and Pulumi would take 10 s to find that out again.
 */
export function createClientService(
  identity: Identity,
  { serviceType, serviceAnnotations }: NetworkArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
  return new k8s.core.v1.Service(
    `${identity.name}-client`,
    {
      metadata: {
        name: identity.name,
        namespace: identity.namespace,
        labels: labels(identity, "database"),
        annotations: {
          ...(serviceType === "LoadBalancer" ? {} : { "pulumi.com/skipAwait": "true" }),
          ...serviceAnnotations,
        },
      },
      spec: {
        type: serviceType,
        selector: { ...databaseSelector(identity), [ROLE_LABEL]: "primary" },
        ports,
      },
    },
    opts,
  );
}
