import type { RenderedResource } from "../../../../render/record";
import {
  type Any,
  ENDS,
  options,
  type ProgramEdit,
  REPLACED,
  SCHEDULE,
  SERVER,
  STUCK,
  tool,
  variable,
  within,
} from "./edit";

const CLAIM = "PersistentVolumeClaim postgres-data";
const SUPERUSER = "Secret postgres-superuser";
const CLIENT = "Service postgres-client";
const NAMESPACE = "Namespace postgres-namespace";
const OURS = { "app.kubernetes.io/instance": "postgres", "postgres-stack/role": "primary" };

const both =
  (...edits: ((object: RenderedResource) => void)[]) =>
  (object: RenderedResource) => {
    for (const edit of edits) edit(object);
  };
const held = (change: (at: Any) => void) => within("stringData", change);
const added = (kind: string, name: string, inputs: Any) => ({ type: `kubernetes:${kind}`, name, inputs });

/** Objects around the server's pod, and the options of all. */
export const AROUND: readonly ProgramEdit[] = [
  // Secrets
  {
    what: "another name of the superuser's Secret",
    of: SUPERUSER,
    edit: within("metadata", (it) => {
      it.name = "postgres-root";
    }),
    is: STUCK,
  },
  { what: "no Secret of the superuser", of: SUPERUSER, is: STUCK },
  { what: "no Secret of the application", of: "Secret postgres-app", is: STUCK },
  { what: "no Secret of the archive, though it is mounted", of: "Secret postgres-object-store", is: STUCK },
  {
    what: "a superuser's password that the server is not told",
    of: SUPERUSER,
    edit: held((it) => {
      it.password = "[secret another]";
    }),
    is: ENDS,
  },
  {
    what: "an application's password that the server is not told",
    of: "Secret postgres-app",
    edit: held((it) => {
      it.password = "[secret another]";
    }),
    is: "access changes",
  },
  {
    what: "another host for applications",
    of: "Secret postgres-app",
    edit: held((it) => {
      it.host = "elsewhere";
    }),
    is: "access changes",
  },

  // options of a resource
  {
    what: "the claim by another provider",
    of: CLAIM,
    edit: options({ provider: "pulumi:providers:kubernetes::mine" }),
    is: REPLACED,
  },
  {
    what: "the server by another provider",
    of: SERVER,
    edit: options({ provider: "pulumi:providers:kubernetes::mine" }),
    is: REPLACED,
  },
  ...[SCHEDULE, CLIENT, SUPERUSER, "ConfigMap postgres-conf"].map(
    (of): ProgramEdit => ({
      what: "edits that do not reach it",
      of,
      edit: options({ ignoreChanges: ["*"] }),
      is: "unknown",
      commitsAlone: true,
    }),
  ),
  {
    what: "settings that wait for no check",
    of: "ConfigMap postgres-conf",
    edit: options({ dependsOn: [] }),
    is: "checks are off",
    commitsAlone: true,
  },

  // base backups
  {
    what: "a schedule that is made anew, and suspended",
    of: SCHEDULE,
    edit: both(
      within("metadata", (it) => {
        it.name = "other";
      }),
      within("spec", (it) => {
        it.suspend = true;
      }),
    ),
    is: ENDS,
  },
  {
    what: "a schedule that is made anew, and keeps less",
    of: SCHEDULE,
    edit: both(
      within("metadata", (it) => {
        it.name = "other";
      }),
      tool(variable("BACKUP_RETAIN", "1")),
    ),
    is: "backups are deleted",
  },
  {
    what: "another name of the schedule",
    of: SCHEDULE,
    edit: within("metadata", (it) => {
      it.name = "other";
    }),
    is: "nothing",
  },
  {
    what: "a mesh in the pods of base backups",
    of: SCHEDULE,
    edit: within("spec.jobTemplate.spec.template.metadata.labels", (it) => {
      it["sidecar.istio.io/inject"] = "true";
    }),
    is: ENDS,
  },

  // the namespace
  {
    what: "a mesh in the namespace",
    of: NAMESPACE,
    edit: within("metadata.labels", (it) => {
      it["istio-injection"] = "enabled";
    }),
    is: "unknown",
  },
  {
    what: "nodes of the namespace",
    of: NAMESPACE,
    edit: within("metadata.annotations", (it) => {
      it["scheduler.alpha.kubernetes.io/node-selector"] = "zone=b";
    }),
    is: "unknown",
  },
  {
    what: "a team's label of the namespace",
    of: NAMESPACE,
    edit: within("metadata.labels", (it) => {
      it.team = "data";
    }),
    is: "nothing",
  },

  // what comes to stand beside the server
  {
    what: "a second server on the volume",
    of: SERVER,
    adds: added("apps/v1:StatefulSet", "postgres-reader", { spec: { replicas: 1 } }),
    is: "unknown",
  },
  { what: "a Deployment", of: SERVER, adds: added("apps/v1:Deployment", "postgres-tool", {}), is: "unknown" },
  {
    what: "a Job of no check",
    of: SERVER,
    adds: added("batch/v1:Job", "postgres-cleanup", {}),
    is: "unknown",
  },
  {
    what: "a schedule of something else",
    of: SERVER,
    adds: added("batch/v1:CronJob", "postgres-cleanup", { spec: { schedule: "0 * * * *" } }),
    is: "unknown",
  },
  {
    what: "more servers under load",
    of: SERVER,
    adds: added("autoscaling/v2:HorizontalPodAutoscaler", "postgres-scaler", {}),
    is: "unknown",
  },
  {
    what: "rights in the cluster",
    of: SERVER,
    adds: added("rbac.authorization.k8s.io/v1:RoleBinding", "postgres-rights", {}),
    is: "unknown",
  },
  {
    what: "a policy of the network",
    of: SERVER,
    adds: added("networking.k8s.io/v1:NetworkPolicy", "postgres-network", { spec: { podSelector: {} } }),
    is: "access changes",
  },
  {
    what: "a policy of the network outside of the instance",
    of: SERVER,
    adds: {
      ...added("networking.k8s.io/v1:NetworkPolicy", "database", {
        spec: { podSelector: { matchLabels: OURS } },
      }),
      outside: true,
    },
    is: "access changes",
  },
  {
    what: "a load balancer outside of the instance",
    of: SERVER,
    adds: {
      ...added("core/v1:Service", "public", { spec: { type: "LoadBalancer", selector: OURS } }),
      outside: true,
    },
    is: "opened to the outside",
  },
  {
    what: "a load balancer of another application",
    of: SERVER,
    adds: {
      ...added("core/v1:Service", "web", { spec: { type: "LoadBalancer", selector: { app: "web" } } }),
      outside: true,
    },
    is: "nothing",
  },
  {
    what: "a limit to interruptions",
    of: SERVER,
    adds: added("policy/v1:PodDisruptionBudget", "postgres-budget", { spec: { maxUnavailable: 0 } }),
    is: "unknown",
    mild: true,
  },
];
