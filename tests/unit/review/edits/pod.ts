import {
  type Any,
  container,
  mount,
  type ProgramEdit,
  pod,
  SERVER,
  STUCK,
  variable,
  within,
  without,
} from "./edit";

const labelled = (kind: "labels" | "annotations", name: string, value: string) =>
  within(`spec.template.metadata.${kind}`, (it) => {
    it[name] = value;
  });
const own = (change: (server: Any) => void) => ({ of: SERVER, edit: container(change) });

/** Parts of the server's pod that a restart alone does not describe. */
export const POD: readonly ProgramEdit[] = [
  {
    what: "an image that no check of the update has tried",
    ...own((it) => {
      it.image = `registry.example.com/postgres@sha256:${"1".repeat(64)}`;
    }),
    is: "unknown",
  },
  {
    what: "an image that is never pulled",
    ...own((it) => {
      it.imagePullPolicy = "Never";
    }),
    is: STUCK,
  },
  { what: "a prefix within the store", ...own(variable("WALG_STORAGE_PREFIX", "other")), is: "unknown" },
  {
    what: "an archive of cold storage",
    ...own(variable("WALG_S3_STORAGE_CLASS", "DEEP_ARCHIVE")),
    is: "unknown",
  },
  { what: "a schedule of the server's own", ...own(variable("BACKUP_SCHEDULE", "* * * * *")), is: "unknown" },
  {
    what: "a variable from elsewhere",
    ...own((it) => {
      const valueFrom = { configMapKeyRef: { name: "elsewhere", key: "compression" } };
      it.env = [
        ...without("WALG_COMPRESSION_METHOD", it.env),
        { name: "WALG_COMPRESSION_METHOD", valueFrom },
      ];
    }),
    is: "unknown",
  },
  {
    what: "credentials of the archive that are not mounted",
    ...own((it) => {
      it.volumeMounts = without("object-store", it.volumeMounts);
    }),
    is: "backups end",
  },
  {
    what: "credentials of the archive that are mounted elsewhere",
    of: SERVER,
    edit: mount("object-store", (it) => {
      it.mountPath = "/elsewhere";
    }),
    is: "backups end",
  },
  {
    what: "an eighth of the memory, with the same settings",
    ...own((it) => {
      it.resources.limits.memory = it.resources.requests.memory = "64Mi";
    }),
    is: STUCK,
  },
  {
    what: "requests below the limits",
    ...own((it) => {
      it.resources.requests = { cpu: "10m", memory: "64Mi" };
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "no limits",
    ...own((it) => {
      delete it.resources.limits;
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "less shared memory",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.find((v: Any) => v.name === "shm").emptyDir.sizeLimit = "1Mi";
    }),
    is: "may be interrupted",
    mild: true,
  },
  {
    what: "root without the right to become another user",
    of: SERVER,
    edit: pod((it) => {
      it.securityContext.runAsUser = 0;
    }),
    is: STUCK,
  },
  {
    what: "the image's own user, which is root",
    of: SERVER,
    edit: pod((it) => {
      delete it.securityContext.runAsUser;
    }),
    is: STUCK,
  },
  {
    what: "root's group for the volume",
    of: SERVER,
    edit: pod((it) => {
      it.securityContext.fsGroup = 0;
    }),
    is: STUCK,
  },
  {
    what: "a seccomp profile that the node has to have",
    of: SERVER,
    edit: pod((it) => {
      it.securityContext.seccompProfile = { type: "Localhost", localhostProfile: "postgres.json" };
    }),
    is: STUCK,
  },
  {
    what: "a command after the start",
    ...own((it) => {
      it.lifecycle.postStart = { exec: { command: ["false"] } };
    }),
    is: "unknown",
  },
  {
    what: "another command before the stop",
    ...own((it) => {
      it.lifecycle.preStop.exec.command = ["rm", "-rf", "/var/lib/postgresql"];
    }),
    is: "unknown",
  },
  {
    what: "a liveness probe that never fails",
    ...own((it) => {
      it.livenessProbe.failureThreshold = 100000;
    }),
    is: "checks are off",
    mild: true,
  },
  {
    what: "an hour before the startup probe",
    ...own((it) => {
      it.startupProbe.initialDelaySeconds = 3600;
    }),
    is: STUCK,
  },
  {
    what: "an hour before the readiness probe",
    ...own((it) => {
      it.readinessProbe.initialDelaySeconds = 3600;
    }),
    is: STUCK,
  },
  {
    what: "a readiness probe that has to pass a thousand times",
    ...own((it) => {
      it.readinessProbe.successThreshold = 1000;
    }),
    is: STUCK,
  },
  {
    what: "a few seconds before the readiness probe",
    ...own((it) => {
      it.readinessProbe.initialDelaySeconds = 5;
    }),
    is: "restart",
  },
  {
    what: "a mesh in the pod",
    of: SERVER,
    edit: labelled("labels", "sidecar.istio.io/inject", "true"),
    is: "unknown",
  },
  {
    what: "no AppArmor",
    of: SERVER,
    edit: labelled("annotations", "container.apparmor.security.beta.kubernetes.io/postgres", "unconfined"),
    is: "unknown",
  },
  { what: "a team's label of the pod", of: SERVER, edit: labelled("labels", "team", "data"), is: "restart" },
  {
    what: "another label that the StatefulSet finds its pod by",
    of: SERVER,
    edit: labelled("labels", "app.kubernetes.io/instance", "other"),
    is: "refused",
  },
  {
    what: "a volume over the programs",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.push({ name: "more", emptyDir: {} });
      it.containers[0].volumeMounts.push({ name: "more", mountPath: "/bin" });
    }),
    is: "unknown",
  },
];
