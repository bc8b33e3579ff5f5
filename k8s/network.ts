import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Instance } from "./instance";
import { databaseSelector, headlessName, type Identity, labels, PORT, ROLE_LABEL } from "./names";

const ports = [{ name: "postgres", port: PORT, targetPort: "postgres" }];

/** The Service that gives the pod its stable name; the StatefulSet requires it. */
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
 * The Service for applications, which selects the pod that accepts writes. Pulumi waits only for a load balancer: the
 * StatefulSet's pod is ready by then, and Pulumi would need 10 s to notice.
 */
export function createClientService(
  instance: Instance,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
  const { serviceType, serviceAnnotations } = instance.access;
  return new k8s.core.v1.Service(
    `${instance.name}-client`,
    {
      metadata: {
        name: instance.name,
        namespace: instance.namespace,
        labels: labels(instance, "database"),
        annotations: {
          ...(serviceType === "LoadBalancer" ? {} : { "pulumi.com/skipAwait": "true" }),
          ...serviceAnnotations,
        },
      },
      spec: {
        type: serviceType,
        selector: { ...databaseSelector(instance), [ROLE_LABEL]: "primary" },
        ports,
      },
    },
    { ...opts, protect: !instance.disposable },
  );
}
