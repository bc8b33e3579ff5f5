import { expect } from "chai";
import { podSecurityRestricted } from "../../../review/policies/pod-security-restricted";
import { UNKNOWN } from "../../../review/policies/policy";
import { requestsAndLimits } from "../../../review/policies/requests-and-limits";
import { examples, judge, workload } from "./judge";

const resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } };
const sized = (more: object) => [workload("Job", { container: { resources: { ...resources, ...more } } })];

const RIGHT = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const POD = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
const pod = (container: object, context: object = {}, more: object = {}, spec: object = {}) => [
  workload("StatefulSet", {
    container: { securityContext: { ...RIGHT, ...container }, ...spec },
    pod: { securityContext: { ...POD, ...context }, ...more },
  }),
];

describe("policies about pods", () => {
  examples(
    requestsAndLimits,
    { "requests and a limit on memory": sized({}), "a Service, which has no pod": [] },
    {
      "no requests": [sized({ requests: {} }), /container main says no requests\.cpu, no requests\.memory/],
      "no limit on memory": [sized({ limits: { cpu: "1" } }), /says no limits\.memory/],
      "none at all": [[workload("CronJob")], /no requests\.cpu, no requests\.memory, no limits\.memory/],
    },
  );

  it("requests-and-limits can ask for a limit on CPU too", () => {
    expect(judge(requestsAndLimits, sized({}), { cpuLimit: true })).to.deep.equal([
      "container main says no limits.cpu (resources).",
    ]);
  });

  examples(
    podSecurityRestricted,
    {
      "a restricted pod": pod({}),
      "what is said in the container alone": pod(POD, { runAsNonRoot: undefined, seccompProfile: undefined }),
      NET_BIND_SERVICE: pod({ capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } }),
      "what is not known yet": pod({
        capabilities: { drop: UNKNOWN },
        runAsNonRoot: UNKNOWN,
        procMount: UNKNOWN,
      }),
      "ordinary volumes": pod(
        {},
        {},
        {
          volumes: [
            { name: "a", emptyDir: {} },
            { name: "b", secret: {} },
          ],
        },
      ),
    },
    {
      "a pod that may be root": [pod({}, { runAsNonRoot: false }), /runAsNonRoot must be true/],
      "the container's word over the pod's": [pod({ runAsNonRoot: false }), /runAsNonRoot must be true/],
      "user 0": [pod({}, { runAsUser: 0 }), /the pod: runAsUser must not be 0/],
      "privilege escalation left out": [
        pod({ allowPrivilegeEscalation: undefined }),
        /allowPrivilegeEscalation/,
      ],
      "a privileged container": [pod({ privileged: true }), /privileged must not be true/],
      "capabilities kept": [pod({ capabilities: {} }), /capabilities\.drop must have ALL/],
      "capabilities added": [
        pod({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }),
        /must not have SYS_ADMIN/,
      ],
      "no seccomp profile": [pod({}, { seccompProfile: undefined }), /seccompProfile/],
      "an unconfined one": [pod({ seccompProfile: { type: "Unconfined" } }), /seccompProfile/],
      "a host's folder": [
        pod({}, {}, { volumes: [{ name: "a", hostPath: { path: "/" } }] }),
        /hostPath is not/,
      ],
      "the host's network": [pod({}, {}, { hostNetwork: true }), /hostNetwork must not be true/],
      "a host's port": [pod({}, {}, {}, { ports: [{ hostPort: 5432 }] }), /hostPort must not be used/],
      "another procMount": [pod({ procMount: "Unmasked" }), /procMount must be Default/],
      "an unsafe sysctl": [
        pod({}, { sysctls: [{ name: "kernel.msgmax", value: "1" }] }),
        /sysctl kernel\.msgmax/,
      ],
      "no AppArmor": [pod({ appArmorProfile: { type: "Unconfined" } }), /appArmorProfile/],
      "an SELinux user": [pod({}, { seLinuxOptions: { user: "system_u" } }), /SELinux user and role/],
      "another SELinux type": [pod({ seLinuxOptions: { type: "spc_t" } }), /SELinux type spc_t/],
    },
  );
});
