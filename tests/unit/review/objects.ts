import { changesOf } from "../../../review/diff";
import { impact } from "../../../review/impact";
import type { Step, Values } from "../../../review/step";
import { judge } from "../../../review/verdict";
import { line } from "./expect";

export const INSTANCE = "postgres-stack:k8s:PostgresInstance";
export const DISPOSABLE = { labels: { "postgres-stack/disposable": "true" } };

export function step(
  type: string,
  before: Values | undefined,
  after: Values | undefined,
  more: Partial<Step> = {},
): Step {
  return {
    operation: before === undefined ? "create" : after === undefined ? "delete" : "update",
    type,
    name: "postgres",
    within: [INSTANCE],
    parent: `${INSTANCE}::postgres`,
    ...(before && { before }),
    ...(after && { after }),
    changes: changesOf(before, after),
    replacedBy: [],
    protect: false,
    retain: false,
    ...more,
  };
}

export const plan = (...steps: Step[]) => ({ stack: "test", steps, review: undefined, more: [] });
export const rowsOf = (...steps: Step[]) => impact(plan(...steps)).map(line);
export const verdict = (...steps: Step[]) => judge(plan(...steps), "2026-11-25").verdict;

export const SERVER = "kubernetes:apps/v1:StatefulSet";
const container = {
  name: "postgres",
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};
export const pod = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, runAsUser: 999, seccompProfile: { type: "RuntimeDefault" } },
};

export const podSpec = (own: Values = {}, inside: Values = {}, within: Values = {}): Values => ({
  ...pod,
  ...own,
  containers: [{ ...container, ...inside, securityContext: { ...container.securityContext, ...within } }],
});
export const serverWith = (...parts: Values[]): Values => ({
  spec: { template: { spec: podSpec(...parts) } },
});
