import { type Any, container, type ProgramEdit, pod, SERVER, STUCK, variable, within, without } from "./edit";

/** Whether the server comes back. */
export const SERVER_EDITS: readonly ProgramEdit[] = [
  {
    what: "another name of the account that the pods run as",
    of: "ServiceAccount postgres-account",
    edit: within("metadata", (it) => {
      it.name = "postgres-2";
    }),
    is: STUCK,
  },
  { what: "no account that the pods run as", of: "ServiceAccount postgres-account", is: STUCK },
  {
    what: "no password of the superuser",
    of: "Secret postgres-superuser",
    edit: within("stringData", (it) => {
      delete it.password;
    }),
    is: STUCK,
  },
  {
    what: "another key of the application's password",
    of: "Secret postgres-app",
    edit: within("stringData", (it) => {
      it.secret = it.password;
      delete it.password;
    }),
    is: STUCK,
  },
  {
    what: "no address for applications",
    of: "Secret postgres-app",
    edit: within("stringData", (it) => {
      delete it.uri;
    }),
    is: "access changes",
  },
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
    is: STUCK,
  },
  {
    what: "another startup probe",
    of: SERVER,
    edit: container((it) => {
      it.startupProbe = { tcpSocket: { port: 5433 } };
    }),
    is: STUCK,
  },
  {
    what: "another readiness probe",
    of: SERVER,
    edit: container((it) => {
      it.readinessProbe.exec.command = ["false"];
    }),
    is: STUCK,
  },
  {
    what: "no readiness probe",
    of: SERVER,
    edit: container((it) => {
      delete it.readinessProbe;
    }),
    is: "disconnect",
  },
  {
    what: "a rule that spreads it over zones",
    of: SERVER,
    edit: pod((it) => {
      it.topologySpreadConstraints = [
        { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
      ];
    }),
    is: STUCK,
    mild: true,
  },
  {
    what: "a wish that spreads it over zones",
    of: SERVER,
    edit: pod((it) => {
      it.topologySpreadConstraints = [
        { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
      ];
    }),
    is: "restart",
  },
  { what: "another time zone", of: SERVER, edit: container(variable("TZ", "Europe/Berlin")), is: "restart" },
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
];
