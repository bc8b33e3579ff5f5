import type { PolicyConfigSchema } from "@pulumi/policy";

/** A resource as a policy sees it: plain values, including secrets; {@link UNKNOWN} if a preview can't know one. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Tree;
  readonly protect: boolean;
}

export type Tree = Readonly<Record<string, unknown>>;

/** A value that only the provider knows: policies skip it until it is known. */
export const UNKNOWN = Symbol("unknown");

/** The problem, its place and the remedy; never a secret's value. */
export interface Violation {
  readonly urn: string;
  readonly message: string;
}

interface Named<Config> {
  readonly name: string;
  readonly description: string;
  /** Defaults of the configurable settings; docs/policies.md describes each. */
  readonly defaults: Config;
  readonly schema: Readonly<Record<keyof Config & string, PolicyConfigSchema["properties"][string]>>;
}

/** Checks each resource separately, before it is created or changed. */
export interface ResourcePolicy<Config extends object = object> extends Named<Config> {
  check(resource: Resource, config: Config): readonly string[];
}

/** Checks all resources together, at the end of a preview. */
export interface StackPolicy<Config extends object = object> extends Named<Config> {
  checkAll(resources: readonly Resource[], config: Config): readonly Violation[];
}
