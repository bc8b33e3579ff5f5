import type { PolicyConfigSchema } from "@pulumi/policy";

/** A resource as a policy sees it: plain values, secrets too; {@link UNKNOWN} where a preview can't know. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Tree;
  readonly protect: boolean;
}

export type Tree = Readonly<Record<string, unknown>>;

/** What only the provider knows: no policy judges it before it is known. */
export const UNKNOWN = Symbol("unknown");

/** What is wrong, where, and what would be right; never a secret's value. */
export interface Violation {
  readonly urn: string;
  readonly message: string;
}

interface Named<Config> {
  readonly name: string;
  readonly description: string;
  /** Defaults of what a stack may configure; docs/policies.md describes each. */
  readonly defaults: Config;
  readonly schema: Readonly<Record<keyof Config & string, PolicyConfigSchema["properties"][string]>>;
}

/** Judges resources one by one, each before it is created or changed. */
export interface ResourcePolicy<Config extends object = object> extends Named<Config> {
  check(resource: Resource, config: Config): readonly string[];
}

/** Judges all resources together, at the end of a preview. */
export interface StackPolicy<Config extends object = object> extends Named<Config> {
  checkAll(resources: readonly Resource[], config: Config): readonly Violation[];
}
