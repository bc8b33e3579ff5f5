import { at, type Container, containersOf, isTree, listAt, podSpecOf } from "./kubernetes";
import { type ResourcePolicy, type Tree, UNKNOWN } from "./policy";

/** Volumes that `restricted` allows. */
const VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

/** Sysctls that affect only the pod. */
const SYSCTLS =
  /^(kernel\.shm_rmid_forced|net\.ipv4\.(ip_local_port_range|ip_unprivileged_port_start|ip_local_reserved_ports|tcp_(syncookies|keepalive_(time|intvl|probes)|fin_timeout|rmem|wmem)|ping_group_range))$/;

/** SELinux types that containers may use. */
const SELINUX = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/** Kubernetes' Pod Security Standard `restricted` at preview: a namespace that enforces it refuses the pod only later. */
export const podSecurityRestricted: ResourcePolicy = {
  name: "pod-security-restricted",
  description: "Pods pass the Pod Security Standard restricted.",
  defaults: {},
  schema: {},
  check(resource) {
    const pod = podSpecOf(resource);
    if (pod === undefined) return [];
    return [...podProblems(pod), ...containersOf(resource).flatMap((it) => containerProblems(it, pod))].map(
      (problem) => `${problem} (Pod Security restricted).`,
    );
  },
};

function podProblems(pod: Tree): string[] {
  const shared = ["hostNetwork", "hostPID", "hostIPC"].filter((key) => pod[key] === true);
  const volumes = listAt(pod, "volumes")
    .filter(isTree)
    .flatMap((volume) => Object.keys(volume).filter((key) => key !== "name" && !VOLUMES.includes(key)));
  const sysctls = listAt(pod, "securityContext", "sysctls")
    .map((it) => at(it, "name"))
    .filter((name) => typeof name === "string" && !SYSCTLS.test(name));
  return [
    ...shared.map((key) => `${key} must not be true`),
    ...volumes.map((key) => `a volume of the kind ${key} is not allowed`),
    ...sysctls.map((name) => `the sysctl ${String(name)} is not allowed`),
    ...contextProblems("the pod", pod.securityContext),
  ];
}

function containerProblems({ title, spec }: Container, pod: Tree): string[] {
  const context = spec.securityContext;
  /** The container's own value, otherwise the pod's. */
  const effective = (...path: string[]) => at(context, ...path) ?? at(pod, "securityContext", ...path);
  const dropped = at(context, "capabilities", "drop");
  const added = listAt(context, "capabilities", "add").filter((name) => name !== "NET_BIND_SERVICE");
  const ports = listAt(spec, "ports").filter(
    (port) => ![undefined, 0, UNKNOWN].includes(at(port, "hostPort") as never),
  );
  const must = (holds: boolean, what: string) => (holds ? [] : [`${title}: ${what}`]);
  return [
    ...must(isOr(effective("runAsNonRoot"), true), "runAsNonRoot must be true"),
    ...must(isOr(at(context, "allowPrivilegeEscalation"), false), "allowPrivilegeEscalation must be false"),
    ...must(at(context, "privileged") !== true, "privileged must not be true"),
    ...must(dropped === UNKNOWN || listAt(dropped).includes("ALL"), "capabilities.drop must have ALL"),
    ...must(added.length === 0, `capabilities.add must not have ${added.join(", ")}`),
    ...must(
      [UNKNOWN, "RuntimeDefault", "Localhost"].includes(effective("seccompProfile", "type") as string),
      "seccompProfile must be RuntimeDefault or Localhost",
    ),
    ...must(
      [undefined, UNKNOWN, "Default"].includes(at(context, "procMount") as string),
      "procMount must be Default",
    ),
    ...must(ports.length === 0, "hostPort must not be used"),
    ...contextProblems(title, context),
  ];
}

/** Fields that pods and containers share. */
function contextProblems(title: string, context: unknown): string[] {
  const selinux = at(context, "seLinuxOptions");
  const type = at(selinux, "type") ?? "";
  const apparmor = at(context, "appArmorProfile", "type");
  return [
    ...(at(context, "runAsUser") === 0 ? [`${title}: runAsUser must not be 0`] : []),
    ...(at(context, "windowsOptions", "hostProcess") === true
      ? [`${title}: hostProcess must not be true`]
      : []),
    ...(apparmor === "Unconfined" ? [`${title}: appArmorProfile must not be Unconfined`] : []),
    ...(typeof type === "string" && !SELINUX.includes(type)
      ? [`${title}: the SELinux type ${type} is not allowed`]
      : []),
    ...(at(selinux, "user") || at(selinux, "role")
      ? [`${title}: SELinux user and role must not be set`]
      : []),
  ];
}

function isOr(value: unknown, expected: boolean): boolean {
  return value === expected || value === UNKNOWN;
}
