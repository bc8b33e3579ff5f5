import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Instance } from "./instance";
import { awaitedJob } from "./job";
import { type Identity, labels } from "./names";
import { nearTheDatabase, podPlacement } from "./placement";
import {
  confMount,
  emptyDir,
  environment,
  jobResources,
  type Mount,
  restrictedContainer,
  restrictedPod,
  type ServerPart,
  scratchMounts,
  superuserClient,
} from "./pod";

const FILE = "postgres-stack.conf";
/** Annotation of the check's Job: the file that it checks. */
const CHECKED = "postgres-stack/conf";

/**
 * How a setting reaches the server:
 *
 * 1. candidate: an immutable ConfigMap of its own;
 * 2. check: a Job starts a scratch server with it, and asks the running server whether the state that it holds (slots, prepared
 *    transactions and the like) would start with it too. A rejection fails the update here, with its message, before anything
 *    that the database uses has changed;
 * 3. live: the ConfigMap that the pod mounts gets the content ({@link createLiveConfiguration});
 * 4. apply: a Job waits until the server sees the content, reloads, and confirms every value ({@link applyConfiguration}).
 */
export function checkConfiguration(
  instance: Instance,
  opts: pulumi.CustomResourceOptions,
): { candidate: k8s.core.v1.ConfigMap; check: k8s.batch.v1.Job } {
  const { name, namespace, postgres, sharedMemory } = instance;
  const candidate = new k8s.core.v1.ConfigMap(
    `${name}-conf-candidate`,
    {
      metadata: { namespace, labels: labels(instance, "job") },
      immutable: true,
      data: { [FILE]: postgres.conf },
    },
    opts,
  );
  const shm = emptyDir("shm", "/dev/shm", { medium: "Memory", sizeLimit: sharedMemory });
  const client = superuserClient(instance);
  const check = job(instance, "check", {
    annotations: { [CHECKED]: postgres.conf },
    command: "check-settings.sh",
    memory: postgres.memory, // the check runs under the server's limit
    conf: candidate,
    mounts: [shm, client.mount],
    environment: client.environment,
    opts,
  });
  return { candidate, check };
}

/**
 * The ConfigMap that the server's pod mounts. It keeps its name and changes in place. Its content comes from the check and not
 * from the settings: an update whose `--target`s exclude the check leaves the content unchanged.
 */
export function createLiveConfiguration(
  instance: Instance,
  check: k8s.batch.v1.Job,
  opts: pulumi.CustomResourceOptions,
): LiveConfiguration {
  const { conf, restartSettings } = instance.postgres;
  const map = new k8s.core.v1.ConfigMap(
    `${instance.name}-conf`,
    {
      metadata: {
        name: liveName(instance),
        namespace: instance.namespace,
        labels: labels(instance, "database"),
      },
      // checks of earlier versions have no annotation
      data: { [FILE]: check.metadata.annotations.apply((it) => it?.[CHECKED] ?? conf) },
    },
    opts,
  );
  return {
    map,
    mounts: [confMount(liveName(instance))],
    restartOn: { "postgres-stack/restart-settings": restartFingerprint(restartSettings) },
    needs: [map],
  };
}

export interface LiveConfiguration extends ServerPart {
  readonly map: k8s.core.v1.ConfigMap;
}

const liveName = ({ name }: Identity): string => `${name}-conf`;

/** Changes only with settings that need a restart, because it is part of the pod's template. */
function restartFingerprint(settings: Readonly<Record<string, string>>): string {
  const lines = Object.keys(settings)
    .sort()
    .map((name) => `${name}=${settings[name]}`);
  return fingerprint(lines.join("\n"));
}

/**
 * Applies the live ConfigMap to the running server and confirms it. The annotation makes the kubelet sync the pod at once;
 * without it this takes up to a minute. Each content has its own patch, which never changes: a recreated pod lacks the
 * annotation but has read the content, so a refresh must not report a change.
 */
export function applyConfiguration(
  instance: Instance,
  candidate: k8s.core.v1.ConfigMap,
  opts: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  const { name, namespace } = instance;
  const content = fingerprint(instance.postgres.conf);
  const nudge = new k8s.core.v1.PodPatch(
    `${name}-conf-nudge-${content}`,
    {
      metadata: {
        name: `${name}-0`,
        namespace,
        annotations: {
          "postgres-stack/conf": content,
          "pulumi.com/skipAwait": "true",
          "pulumi.com/patchForce": "true", // the previous patch owns the same annotation
        },
      },
    },
    { ...opts, ignoreChanges: ["metadata.annotations"] },
  );
  const client = superuserClient(instance);
  return job(instance, "apply", {
    command: "apply-settings.sh",
    conf: candidate,
    mounts: [client.mount],
    environment: { ...client.environment, APPLY_DEADLINE: "180" },
    memory: "128Mi",
    opts: { ...opts, dependsOn: [nudge] },
  });
}

interface JobArgs {
  readonly command: string;
  readonly conf: k8s.core.v1.ConfigMap;
  readonly mounts: readonly Mount[];
  readonly environment: Record<string, string>;
  /** Annotations of the Job. */
  readonly annotations?: Record<string, string>;
  readonly memory: string;
  readonly opts: pulumi.CustomResourceOptions;
}

function job(instance: Instance, purpose: "check" | "apply", args: JobArgs): k8s.batch.v1.Job {
  const mounts = [...scratchMounts(), confMount(args.conf.metadata.name), ...args.mounts];
  const pod = {
    ...restrictedPod(instance, mounts),
    ...podPlacement(instance.placement, nearTheDatabase(instance)),
    restartPolicy: "Never",
    containers: [
      {
        ...restrictedContainer(mounts),
        name: purpose,
        image: instance.image,
        args: [args.command],
        env: environment(args.environment),
        resources: jobResources(args.memory),
      },
    ],
  };
  return awaitedJob(
    instance,
    { purpose, deadlineSeconds: 600, awaited: "12m", annotations: args.annotations, pod },
    args.opts,
  );
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
