import { expect } from "chai";
import type { RenderedResource } from "../../../render/record";
import type { Resource, ResourcePolicy, StackPolicy, Tree } from "../../../review/policies/policy";

/** What a policy says of resources, with `config` over its defaults. */
export function judge<Config extends object>(
  policy: ResourcePolicy<Config> | StackPolicy<Config>,
  resources: readonly Resource[],
  config: Partial<Config> = {},
): string[] {
  const all = { ...policy.defaults, ...config };
  return "check" in policy
    ? resources.flatMap((it) => policy.check(it, all))
    : policy.checkAll(resources, all).map(({ message }) => message);
}

/** A policy must have nothing to say of the good example, and say one thing, matching, of each bad one. */
export function examples<Config extends object>(
  policy: ResourcePolicy<Config> | StackPolicy<Config>,
  good: Readonly<Record<string, readonly Resource[]>>,
  bad: Readonly<Record<string, readonly [readonly Resource[], RegExp]>>,
  config: Partial<Config> = {},
): void {
  for (const [what, resources] of Object.entries(good)) {
    it(`${policy.name} accepts ${what}`, () => expect(judge(policy, resources, config)).to.deep.equal([]));
  }
  for (const [what, [resources, message]] of Object.entries(bad)) {
    it(`${policy.name} refuses ${what}`, () => {
      const said = judge(policy, resources, config);
      expect(said, said.join("\n")).to.have.length(1);
      expect(said[0]).to.match(message);
    });
  }
}

export function resource(type: string, props: Tree, protect = false, name = "x"): Resource {
  return { type, name, urn: `urn:pulumi:prod::project::${type}::${name}`, props, protect };
}

const POD_OWNERS = { StatefulSet: "apps", Deployment: "apps", CronJob: "batch", Job: "batch" } as const;

export interface Pod {
  readonly container?: Tree;
  readonly pod?: Tree;
  readonly metadata?: Tree;
}

/** An object with a pod of one container, which are the given ones over nothing. */
export function workload(kind: keyof typeof POD_OWNERS, { container, pod, metadata }: Pod = {}): Resource {
  const template = { spec: { containers: [{ name: "main", image: "r.io/a:1", ...container }], ...pod } };
  const spec = kind === "CronJob" ? { jobTemplate: { spec: { template } } } : { template };
  const name = String((metadata?.labels as Tree | undefined)?.["app.kubernetes.io/instance"] ?? "x");
  return resource(
    `kubernetes:${POD_OWNERS[kind]}/v1:${kind}`,
    { metadata: { ...metadata }, spec },
    false,
    name,
  );
}

export const DATABASE = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
  "app.kubernetes.io/instance": "orders",
};
export const DISPOSABLE = { "postgres-stack/disposable": "true" };

export const env = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

export function rendered({ type, name, urn, inputs, options }: RenderedResource): Resource {
  return { type, name, urn, props: inputs, protect: options.protect };
}
