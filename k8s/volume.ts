import * as k8s from "@pulumi/kubernetes";
import { bytes, compareQuantities } from "../settings/quantity";
import { adoptingProvider } from "./cluster";
import { refusesUpdate } from "./hook";
import type { Instance } from "./instance";
import { claimName, labels } from "./names";

/** What outlives the stack: the namespace (when it is ours) and the claim. */
export interface Kept {
  readonly namespace: k8s.core.v1.Namespace | undefined;
  readonly claim: k8s.core.v1.PersistentVolumeClaim;
}

/**
 * The claim that holds the data, and the namespace around it.
 *
 * The claim is protected and retained unless the stack is disposable, and a later stack of the same name takes it back:
 * its provider alone may adopt objects that exist. The field manager is named after the owner, so the API server itself
 * refuses to hand another stack's claim over (a conflict on the owner annotation). The namespace is adopted and retained
 * in every case: there may be more in it than ours.
 */
export function createKept(instance: Instance): Kept {
  const { name, namespace, volume, component: parent } = instance;
  const provider = adoptingProvider(name, instance.cluster, parent);
  const annotations = {
    "postgres-stack/owner": instance.owner,
    "pulumi.com/patchFieldManager": `postgres-stack/${instance.owner}`,
  };

  const space = instance.placement.createNamespace
    ? new k8s.core.v1.Namespace(
        `${name}-namespace`,
        { metadata: { name: namespace, labels: { "pod-security.kubernetes.io/warn": "restricted" } } },
        { parent, provider, retainOnDelete: true },
      )
    : undefined;

  const claim = new k8s.core.v1.PersistentVolumeClaim(
    `${name}-data`,
    {
      metadata: { name: claimName(instance), namespace, labels: labels(instance, "database"), annotations },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: volume.claimSize } },
        storageClassName: volume.storageClass,
      },
    },
    {
      parent,
      dependsOn: space,
      ...refusesUpdate(`${name}-claim-never-shrinks`, shrinks),
      ...(instance.disposable ? {} : { provider, protect: true, retainOnDelete: true }),
    },
  );
  return { namespace: space, claim };
}

/** A claim can't shrink. The API server says so too, but without the figures and only in its own words. */
function shrinks(oldInputs: unknown, newInputs: unknown): string | undefined {
  const [before, after] = [requested(oldInputs), requested(newInputs)];
  if (!before || !after || compareQuantities(after, before) >= 0) return undefined;
  return (
    `the volume has ${inMi(before)} and can't shrink to ${inMi(after)} (2.5x dataSize): set dataSize back, or move to ` +
    "a new stack. Nothing was changed."
  );
}

function requested(inputs: unknown): string | undefined {
  return (inputs as ClaimInputs | undefined)?.spec?.resources?.requests?.storage;
}

/** The API server writes 5120Mi as 5Gi: one unit for both figures. */
function inMi(size: string): string {
  return `${Math.floor(bytes(size) / 2 ** 20)}Mi`;
}

type ClaimInputs = { spec?: { resources?: { requests?: { storage?: string } } } };
