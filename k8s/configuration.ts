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
/** On the check's Job: the file that it tries. */
const CHECKED = "postgres-stack/conf";

/**
 * How a setting reaches the server, in this order:
 *
 * 1. candidate: a ConfigMap of its own, never changed afterwards;
 * 2. check: a Job starts a scratch server with it, and asks the server that runs whether what it holds (slots, prepared
 *    transactions and the like) would start with it too; what is rejected ends the update here, with its message, and nothing
 *    that the database uses was touched;
 * 3. live: the ConfigMap that the pod mounts takes the content over ({@link createLiveConfiguration});
 * 4. apply: a Job waits until the server sees it, reloads, and confirms every value ({@link applyConfiguration}).
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
    memory: postgres.memory, // the settings are tried under the server's limit
    conf: candidate,
    mounts: [shm, client.mount],
    environment: client.environment,
    opts,
  });
  return { candidate, check };
}

/**
 * The ConfigMap that the server's pod mounts. It keeps its name and changes in place. Its content is what the check has tried,
 * not what the settings say: an update of `--target`s that leaves the check out leaves the content too.
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
      // a check of before says nothing yet
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

/** Changes with every setting that needs a restart, and with no other: it is part of the pod's template. */
function restartFingerprint(settings: Readonly<Record<string, string>>): string {
  const lines = Object.keys(settings)
    .sort()
    .map((name) => `${name}=${settings[name]}`);
  return fingerprint(lines.join("\n"));
}

/**
 * Makes the running server use the live ConfigMap, and confirms it. The annotation on the pod makes the kubelet look at
 * once; left alone it takes up to a minute. Each content has a patch of its own, which never changes: a pod that is made anew
 * lacks the annotation and has read the content, so after a refresh that is no change.
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
          "pulumi.com/patchForce": "true", // the patch before it holds the same annotation
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
  /** Of the Job. */
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
