import type { Rendered, RenderedResource } from "../../../render/record";
import type { Effect } from "../../../review/effects";

/** An edit of the program itself, as a stack's file can't say it: what it makes of one object, and what it must be called. */
export interface ProgramEdit {
  readonly what: string;
  /** `Kind name` of the object. */
  readonly of: string;
  /** Changes the object in place; nothing: the object is gone. */
  readonly edit?: (object: RenderedResource) => void;
  readonly is: Effect;
  /** It is said, and stops nothing. */
  readonly mild?: true;
  /** Only two commits show it: the engine says nothing about it in a preview. */
  readonly commitsAlone?: true;
}

// biome-ignore lint/suspicious/noExplicitAny: any tree
type Any = any;

const within = (path: string, change: (at: Any) => void) => (object: RenderedResource) => {
  const keys = path.split(".").filter((key) => key !== "");
  change(keys.reduce<Any>((value, key) => (value[key] ??= {}), object.inputs));
};
const options = (given: Partial<RenderedResource["options"]>) => (object: RenderedResource) => {
  Object.assign(object.options, given);
};
const pod = (change: (spec: Any) => void) => within("spec.template.spec", change);
const container = (change: (server: Any) => void) => pod((spec) => change(spec.containers[0]));
const mount = (name: string, change: (mount: Any) => void) =>
  container(({ volumeMounts }) => change(volumeMounts.find((it: Any) => it.name === name)));
const without = (name: string, list: Any[]) => list.filter((it) => it.name !== name);
const job = (change: (spec: Any) => void) => within("spec.jobTemplate.spec.template.spec", change);
const tool = (change: (it: Any) => void) => job((spec) => change(spec.containers[0]));
const variable = (name: string, value: string) => (it: Any) => {
  it.env = [...without(name, it.env), { name, value }];
};

const SERVER = "StatefulSet postgres";
const SCHEDULE = "CronJob postgres-backup";
const REPLACED: Effect = "REPLACES THE DATABASE";
const STUCK: Effect = "may not serve";
const ENDS: Effect = "backups end";

export const PROGRAM_EDITS: readonly ProgramEdit[] = [
  {
    what: "another name of the account that the pods run as",
    of: "ServiceAccount postgres-account",
    edit: within("metadata", (it) => {
      it.name = "postgres-2";
    }),
    is: STUCK,
  },
  // where the data are
  {
    what: "a subPath of the data",
    of: SERVER,
    edit: mount("data", (it) => {
      it.subPath = "a";
    }),
    is: REPLACED,
  },
  {
    what: "the data mounted elsewhere",
    of: SERVER,
    edit: mount("data", (it) => {
      it.mountPath = "/data";
    }),
    is: REPLACED,
  },
  {
    what: "the data's mount gone",
    of: SERVER,
    edit: container((it) => {
      it.volumeMounts = without("data", it.volumeMounts);
    }),
    is: REPLACED,
  },
  {
    what: "another folder of the data",
    of: SERVER,
    edit: container(variable("PGDATA", "/var/lib/postgresql/data")),
    is: "unknown",
  },
  {
    what: "the data read-only",
    of: SERVER,
    edit: mount("data", (it) => {
      it.readOnly = true;
    }),
    is: STUCK,
  },
  {
    what: "a volume over the data",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.push({ name: "more", emptyDir: {} });
      it.containers[0].volumeMounts.push({ name: "more", mountPath: "/var/lib/postgresql/18" });
    }),
    is: "unknown",
  },

  // whether the server comes back
  {
    what: "another user",
    of: SERVER,
    edit: pod((it) => {
      it.securityContext.runAsUser = 1000;
    }),
    is: STUCK,
  },
  {
    what: "another group of the volume",
    of: SERVER,
    edit: pod((it) => {
      it.securityContext.fsGroup = 1000;
    }),
    is: STUCK,
  },
  {
    what: "another user of the container",
    of: SERVER,
    edit: container((it) => {
      it.securityContext.runAsUser = 1000;
    }),
    is: STUCK,
  },
  {
    what: "more memory than nodes have",
    of: SERVER,
    edit: container((it) => {
      it.resources.limits.memory = it.resources.requests.memory = "2Ti";
    }),
    is: STUCK,
  },
  {
    what: "requests alone that are many times greater",
    of: SERVER,
    edit: container((it) => {
      it.resources.requests.cpu = "96";
    }),
    is: STUCK,
  },
  {
    what: "a zone",
    of: SERVER,
    edit: pod((it) => {
      it.nodeSelector = { "topology.kubernetes.io/zone": "eu-central-1c" };
    }),
    is: STUCK,
  },
  {
    what: "one node",
    of: SERVER,
    edit: pod((it) => {
      it.nodeName = "node-7";
    }),
    is: STUCK,
  },
  {
    what: "a zone by affinity",
    of: SERVER,
    edit: pod((it) => {
      it.affinity = {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "topology.kubernetes.io/zone", operator: "In", values: ["a"] }] },
            ],
          },
        },
      };
    }),
    is: STUCK,
  },
  {
    what: "another scheduler",
    of: SERVER,
    edit: pod((it) => {
      it.schedulerName = "mine";
    }),
    is: "unknown",
  },
  {
    what: "another command",
    of: SERVER,
    edit: container((it) => {
      it.command = ["sleep", "infinity"];
    }),
    is: "unknown",
  },
  {
    what: "another argument",
    of: SERVER,
    edit: container((it) => {
      it.args = ["postgres", "-c", "fsync=off"];
    }),
    is: "unknown",
  },
  {
    what: "a container before the server",
    of: SERVER,
    edit: pod((it) => {
      it.initContainers = [
        { name: "prepare", image: "busybox", securityContext: it.containers[0].securityContext },
      ];
    }),
    is: "unknown",
  },
  {
    what: "a container beside the server",
    of: SERVER,
    edit: pod((it) => {
      it.containers.push({
        name: "beside",
        image: "busybox",
        securityContext: it.containers[0].securityContext,
      });
    }),
    is: "unknown",
  },
  {
    what: "a variable that nobody knows",
    of: SERVER,
    edit: container(variable("LD_PRELOAD", "/tmp/a.so")),
    is: "unknown",
  },
  {
    what: "no settings mounted",
    of: SERVER,
    edit: container((it) => {
      it.volumeMounts = without("conf", it.volumeMounts);
    }),
    is: "unknown",
  },
  {
    what: "the settings of another ConfigMap",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.find((v: Any) => v.name === "conf").configMap.name = "other";
    }),
    is: "unknown",
  },
  {
    what: "passwords of another Secret",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.find((v: Any) => v.name === "superuser").secret.secretName = "other";
    }),
    is: "unknown",
  },
  {
    what: "another identity",
    of: SERVER,
    edit: pod((it) => {
      it.serviceAccountName = "other";
    }),
    is: "unknown",
  },
  {
    what: "less time to stop",
    of: SERVER,
    edit: pod((it) => {
      it.terminationGracePeriodSeconds = 1;
    }),
    is: "longer recovery",
    mild: true,
  },
  {
    what: "no orderly stop",
    of: SERVER,
    edit: container((it) => {
      delete it.lifecycle;
    }),
    is: "longer recovery",
    mild: true,
  },
  {
    what: "a hasty liveness probe",
    of: SERVER,
    edit: container((it) => {
      it.livenessProbe.failureThreshold = 1;
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "a hasty startup probe",
    of: SERVER,
    edit: container((it) => {
      it.startupProbe.failureThreshold = 1;
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "another liveness probe",
    of: SERVER,
    edit: container((it) => {
      it.livenessProbe.exec.command = ["false"];
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "no server at all",
    of: SERVER,
    edit: within("spec", (it) => {
      it.replicas = 0;
    }),
    is: "unknown",
  },
  {
    what: "a pod that nobody restarts",
    of: SERVER,
    edit: within("spec", (it) => {
      it.updateStrategy = { type: "OnDelete" };
    }),
    is: "unknown",
  },
  {
    what: "another label of the pod's role",
    of: SERVER,
    edit: within("spec.template.metadata.labels", (it) => {
      it["postgres-stack/role"] = "replica";
    }),
    is: "disconnect",
  },

  // base backups
  {
    what: "a suspended schedule",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.suspend = true;
    }),
    is: ENDS,
  },
  {
    what: "another command of backups",
    of: SCHEDULE,
    edit: tool((it) => {
      it.args = ["true"];
    }),
    is: ENDS,
  },
  {
    what: "backups under another identity",
    of: SCHEDULE,
    edit: job((it) => {
      it.serviceAccountName = "other";
    }),
    is: ENDS,
  },
  {
    what: "another image for backups",
    of: SCHEDULE,
    edit: tool((it) => {
      it.image = "busybox";
    }),
    is: ENDS,
  },
  { what: "backups of other data", of: SCHEDULE, edit: tool(variable("PGDATA", "/tmp")), is: ENDS },
  {
    what: "backups to elsewhere",
    of: SCHEDULE,
    edit: tool(variable("WALG_S3_PREFIX", "s3://elsewhere")),
    is: ENDS,
  },
  {
    what: "backups without credentials",
    of: SCHEDULE,
    edit: tool((it) => {
      it.env = without("AWS_ACCESS_KEY_ID_FILE", it.env);
    }),
    is: ENDS,
  },
  {
    what: "backups without their volume",
    of: SCHEDULE,
    edit: job((it) => {
      it.volumes = without("data", it.volumes);
    }),
    is: ENDS,
  },
  {
    what: "backups on other nodes",
    of: SCHEDULE,
    edit: job((it) => {
      it.nodeSelector = { zone: "b" };
    }),
    is: ENDS,
  },
  {
    what: "backups away from the server",
    of: SCHEDULE,
    edit: job((it) => {
      delete it.affinity;
    }),
    is: ENDS,
  },
  {
    what: "a minute for a backup",
    of: SCHEDULE,
    edit: within("spec.jobTemplate.spec", (it) => {
      it.activeDeadlineSeconds = 60;
    }),
    is: ENDS,
  },
  {
    what: "no memory for a backup",
    of: SCHEDULE,
    edit: tool((it) => {
      it.resources.limits.memory = "1Mi";
    }),
    is: ENDS,
  },
  {
    what: "backups that are tidied up sooner",
    of: SCHEDULE,
    edit: within("spec.jobTemplate.spec", (it) => {
      it.ttlSecondsAfterFinished = 60;
    }),
    is: "nothing",
  },
  {
    what: "a schedule in another time zone",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.timeZone = "Asia/Tokyo";
    }),
    is: "nothing",
  },
  {
    what: "a schedule that a late second skips",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.startingDeadlineSeconds = 1;
    }),
    is: ENDS,
  },
  { what: "the first backup gone", of: "Job postgres-first-backup", is: "longer between backups" },
  {
    what: "another command of the first backup",
    of: "Job postgres-first-backup",
    edit: container((it) => {
      it.args = ["true"];
    }),
    is: "longer between backups",
  },

  // what an update checks
  { what: "no check of settings", of: "Job postgres-check", is: "checks are off" },
  { what: "no check of the archive", of: "Job postgres-archive-check", is: "checks are off" },
  {
    what: "another command of a check",
    of: "Job postgres-check",
    edit: container((it) => {
      it.args = ["true"];
    }),
    is: "checks are off",
  },
  { what: "settings that are not applied", of: "Job postgres-apply", is: "checks are off" },
  {
    what: "settings that nobody may change",
    of: "ConfigMap postgres-conf",
    edit: within("", (it) => {
      it.immutable = true;
    }),
    is: "unknown",
  },
  {
    what: "a second file of settings",
    of: "ConfigMap postgres-conf",
    edit: within("data", (it) => {
      it["zz.conf"] = "fsync = off";
    }),
    is: "unknown",
  },
  {
    what: "a line that no setting is written as",
    of: "ConfigMap postgres-conf",
    edit: within("data", (it) => {
      it["postgres-stack.conf"] += "fsync = off\n";
    }),
    is: "unknown",
  },

  // options of a resource
  { what: "protect gone", of: SERVER, edit: options({ protect: false }), is: "no longer protected" },
  {
    what: "a claim that any edit replaces",
    of: "PersistentVolumeClaim postgres-data",
    edit: (it) => {
      options({ replaceOnChanges: ["*"] })(it);
      within("metadata.annotations", (at) => {
        at.team = "a";
      })(it);
    },
    is: REPLACED,
  },
  {
    what: "a server that any edit replaces",
    of: SERVER,
    edit: (it) => {
      options({ replaceOnChanges: ["spec.template"] })(it);
      container((at) => {
        at.ports[0].name = "other";
      })(it);
    },
    is: REPLACED,
  },
  {
    what: "a claim that edits do not reach",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ ignoreChanges: ["spec"] }),
    is: "unknown",
    commitsAlone: true,
  },
  {
    what: "a claim that a later edit would replace",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ replaceOnChanges: ["*"] }),
    is: "no longer protected",
    commitsAlone: true,
  },
  {
    what: "the claim's hook gone",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ hooks: [] }),
    is: "checks are off",
    commitsAlone: true,
  },
  {
    what: "the server's hook gone",
    of: SERVER,
    edit: options({ hooks: [] }),
    is: "checks are off",
    commitsAlone: true,
  },

  // orders to the provider, on an object that is kept
  {
    what: "a claim that is taken by force",
    of: "PersistentVolumeClaim postgres-data",
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/patchForce"] = "true";
    }),
    is: "checks are off",
  },
  {
    what: "a server that is replaced when it is not ready",
    of: SERVER,
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/replaceUnready"] = "true";
    }),
    is: "unknown",
  },
  {
    what: "another owner of the fields",
    of: "PersistentVolumeClaim postgres-data",
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/patchFieldManager"] = "me";
    }),
    is: "checks are off",
  },

  // the way to the server
  {
    what: "another selector",
    of: "Service postgres-client",
    edit: within("spec.selector", (it) => {
      it.other = "yes";
    }),
    is: "disconnect",
  },
  {
    what: "another name's Service",
    of: "Service postgres-client",
    edit: within("spec", (it) => {
      it.type = "ExternalName";
      it.externalName = "elsewhere";
    }),
    is: "disconnect",
  },
];

/** A rendered stack after an edit. */
export function edited(rendered: Rendered, { of, edit }: ProgramEdit): Rendered {
  const copy = structuredClone(rendered);
  const found = copy.resources.find(({ type, name }) => `${type.split(":").pop()} ${name}` === of);
  if (found === undefined) throw new Error(`no ${of} among ${copy.resources.map(({ name }) => name).join()}`);
  edit?.(found);
  return { ...copy, resources: copy.resources.filter((it) => edit !== undefined || it !== found) };
}
