/** The policy pack: converts the engine's resources to plain ones for the policies of this folder. */
import {
  type PolicyConfigSchema,
  PolicyPack,
  type PolicyResource,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from "@pulumi/policy";
import { resourcePolicies, stackPolicies } from "./policies";
import { type Resource, type ResourcePolicy, type StackPolicy, type Tree, UNKNOWN } from "./policy";

function resourcePolicy(policy: ResourcePolicy): ResourceValidationPolicy {
  return {
    ...described(policy),
    validateResource: (args, report) => {
      for (const message of policy.check(plainResource(args), configOf(policy, args))) report(message);
    },
  };
}

function stackPolicy(policy: StackPolicy): StackValidationPolicy {
  return {
    ...described(policy),
    validateStack: (args, report) => {
      const violations = policy.checkAll(args.resources.map(plainResource), configOf(policy, args));
      for (const { urn, message } of violations) report(message, urn);
    },
  };
}

function described({ name, description, schema }: ResourcePolicy | StackPolicy) {
  const configSchema: PolicyConfigSchema = { properties: schema };
  return { name, description, configSchema };
}

/** Defaults, overridden by the stack's policy configuration. */
function configOf(policy: ResourcePolicy | StackPolicy, args: { getConfig<T extends object>(): T }): object {
  return { ...policy.defaults, ...args.getConfig() };
}

function plainResource({ type, name, urn, props, opts }: ResourceValidationArgs | PolicyResource): Resource {
  return { type, name, urn, props: plain(props) as Tree, protect: opts.protect };
}

/** The engine's values throw if read while they are unknown. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const read = (key: string | number) => {
    try {
      return plain((value as Record<string | number, unknown>)[key]);
    } catch {
      return UNKNOWN;
    }
  };
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, i) => read(i));
  return Object.fromEntries(Object.keys(value).map((key) => [key, read(key)]));
}

new PolicyPack("postgres-stack", {
  enforcementLevel: "mandatory",
  policies: [
    ...resourcePolicies.map((policy) => resourcePolicy(policy as ResourcePolicy)),
    ...stackPolicies.map((policy) => stackPolicy(policy as StackPolicy)),
  ],
});
