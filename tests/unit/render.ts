import { expect } from "chai";
import { renderStack } from "../../render/mocks";
import type { Rendered, RenderedResource } from "../../render/record";

const rendered = new Map<string, Promise<Rendered>>();

/**
 * Renders a stack with `config` laid over it, each configuration once. Neither the environment nor a `local.env` of this
 * machine feeds it, so dev has no backups unless `config` says where.
 */
export function render(
  stack: "dev" | "prod",
  config: Record<string, unknown> = {},
  preview = false,
): Promise<Rendered> {
  const key = JSON.stringify([stack, config, Object.keys(config), preview]);
  const known = rendered.get(key) ?? renderStack(stack, { config: { ...OWN[stack], ...config }, preview });
  rendered.set(key, known);
  return known;
}

const OWN = { dev: { fromEnvironment: false, backup: undefined }, prod: {} };

/** The one resource of a type (and name); anything else fails the test. */
export function only({ resources }: Rendered, type: string, name?: string): RenderedResource {
  const found = resources.filter((it) => it.type === type && (name === undefined || it.name === name));
  expect(
    found.map((it) => it.urn),
    `resources of ${type} ${name ?? ""}`,
  ).to.have.length(1);
  return found[0] as RenderedResource;
}
