import { expect } from "chai";
import type { Values } from "../../../review/step";
import { podSpec, rowsOf, SERVER, serverWith, step, verdict } from "./objects";

describe("a pod that may more than before", () => {
  const cases: [string, Values[], RegExp][] = [
    [
      "root",
      [{ securityContext: { seccompProfile: { type: "RuntimeDefault" } } }],
      /has: root \| weaker isolation/,
    ],
    ["user 0", [{}, {}, { runAsUser: 0 }], /user 0 \| weaker isolation/],
    [
      "a token for the API server",
      [{ automountServiceAccountToken: undefined }],
      /a token for the API server/,
    ],
    ["no seccomp profile", [{ securityContext: { runAsNonRoot: true } }], /without a seccomp profile/],
    [
      "an unconfined seccomp profile",
      [{}, {}, { seccompProfile: { type: "Unconfined" } }],
      /without a seccomp profile/,
    ],
    ["privilege escalation", [{}, {}, { allowPrivilegeEscalation: true }], /privilege escalation/],
    [
      "capabilities of its own",
      [{}, {}, { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }],
      /the capabilities SYS_ADMIN/,
    ],
    ["capabilities that are kept", [{}, {}, { capabilities: {} }], /capabilities that are not dropped/],
    [
      "a root file system to write to",
      [{}, {}, { readOnlyRootFilesystem: false }],
      /root file system that can be written/,
    ],
    ["the node's processes", [{ hostPID: true }], /hostPID \| weaker isolation/],
    [
      "the node's files",
      [{ volumes: [{ name: "node", hostPath: { path: "/" } }] }],
      /the node's files by volume `node`/,
    ],
    ["privileged", [{}, {}, { privileged: true }], /has: privileged \| weaker isolation/],
    ["the node's network", [{ hostNetwork: true }], /hostNetwork \| opened to the outside/],
    [
      "a port of the node",
      [{}, { ports: [{ containerPort: 5432, hostPort: 5432 }] }],
      /hostPort 5432 \| opened to the outside/,
    ],
  ];
  for (const [what, parts, said] of cases) {
    it(`by ${what}: needs leave, and the way back does not`, () => {
      const [before, after] = [serverWith(), serverWith(...parts)];
      expect(rowsOf(step(SERVER, before, after)).join("\n")).to.match(said);
      expect(verdict(step(SERVER, before, after))).to.equal("dangerous");
      expect(rowsOf(step(SERVER, after, before))[0]).to.match(/\| restart ~3 s \|/);
    });
  }

  it("by the pods of base backups: needs leave too", () => {
    const job = (...parts: Values[]): Values => ({
      spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: { spec: podSpec(...parts) } } } },
    });
    const changed = step("kubernetes:batch/v1:CronJob", job(), job({ hostNetwork: true }));
    expect(rowsOf(changed)[0]).to.match(/^CronJob postgres .*opened to the outside/);
    expect(verdict(changed)).to.equal("dangerous");
  });
});

describe("a namespace that asks for less of pods", () => {
  const asks = (labels: Values): Values => ({ metadata: { labels } });
  const change = (mode: string, from?: string, to?: string) =>
    step(
      "kubernetes:core/v1:Namespace",
      asks({ team: "a", ...(from && { [`pod-security.kubernetes.io/${mode}`]: from }) }),
      asks({ team: "a", ...(to && { [`pod-security.kubernetes.io/${mode}`]: to }) }),
    );

  it("restricted to baseline, or to nothing, is weaker isolation", () => {
    expect(rowsOf(change("enforce", "restricted", "baseline"))[0]).to.match(
      /`enforce`: `restricted` → `baseline` \| weaker isolation/,
    );
    expect(rowsOf(change("enforce", "baseline"))[0]).to.match(/`baseline` → none \| weaker isolation/);
    expect(verdict(change("enforce", "restricted", "baseline"))).to.equal("dangerous");
  });
  it("a warning less is said, and stops nothing", () => {
    expect(rowsOf(change("warn", "restricted", "privileged"))[0]).to.match(
      /weaker isolation \| .*none was refused/,
    );
    expect(verdict(change("warn", "restricted"))).to.equal("ok");
  });
  it("baseline to restricted is nothing", () => {
    expect(rowsOf(change("enforce", "baseline", "restricted"))[0]).to.match(/\| nothing \|/);
  });
});
