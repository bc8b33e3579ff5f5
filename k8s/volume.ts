import * as k8s from "@pulumi/kubernetes";
import { bytes, compareQuantities } from "../settings/quantity";
import { adoptingProvider } from "./cluster";
import { refusesUpdate } from "./hook";
import type { Instance } from "./instance";
import { claimName, labels } from "./names";

/** Objects that outlive the stack: the claim, and the namespace if we created it. */
export interface Kept {
  readonly namespace: k8s.core.v1.Namespace | undefined;
  readonly claim: k8s.core.v1.PersistentVolumeClaim;
}

/**
 * The claim that holds the data, and its namespace.
 *
 * Unless the stack is disposable, the claim is protected and retained, and a later stack of the same name adopts it: only its
 * provider may adopt existing objects. The field manager is named after the owner, so the API server itself refuses to hand
 * over another stack's claim (a conflict on the owner annotation). The namespace is always adopted and retained, because it may
 * hold objects that aren't ours.
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
      ...refusesUpdate(`${name}-claim-never-shrinks`, shrinks, grows),
      ...(instance.disposable ? {} : { provider, protect: true, retainOnDelete: true }),
    },
  );
  return { namespace: space, claim };
}

/** A claim can't shrink. The API server rejects that too, but without the figures and only in its own words. */
function shrinks(oldInputs: unknown, newInputs: unknown): string | undefined {
  const [before, after] = [requested(oldInputs), requested(newInputs)];
  if (!before || !after || compareQuantities(after, before) >= 0) return undefined;
  return (
    `the volume has ${inMi(before)} and can't shrink to ${inMi(after)} (2.5x dataSize): set dataSize back, or move to ` +
    "a new stack. Nothing was changed."
  );
}

/** Whether a class can grow volumes is known to the API server alone, which refuses without the figures. */
function grows(oldInputs: unknown, newInputs: unknown): string | undefined {
  const [before, after] = [requested(oldInputs), requested(newInputs)];
  if (!before || !after || compareQuantities(after, before) <= 0) return undefined;
  return (
    `the volume grows from ${inMi(before)} to ${inMi(after)} (2.5x dataSize). If its storage class does not allow that ` +
    "(allowVolumeExpansion), the update ends here and nothing is changed: set dataSize back, or move to a new stack."
  );
}

function requested(inputs: unknown): string | undefined {
  return (inputs as ClaimInputs | undefined)?.spec?.resources?.requests?.storage;
}

/** The API server writes 5120Mi as 5Gi, so this uses one unit for both figures. */
function inMi(size: string): string {
  return `${Math.floor(bytes(size) / 2 ** 20)}Mi`;
}

type ClaimInputs = { spec?: { resources?: { requests?: { storage?: string } } } };
