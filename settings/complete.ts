import { join } from "node:path";
import { overlay, variables } from "./environment";

type Tree = Record<string, unknown>;

/** The owner of the settings. */
export interface Owner {
  readonly project: string;
  readonly stack: string;
  /** Distinguishes the databases of one program. */
  readonly database?: string;
}

/**
 * Completes a stack's values with defaults that follow from its name and, with `fromEnvironment`, with values from the
 * environment and `local.env`. Checks nothing.
 */
export function complete(values: Tree, { project, stack, database }: Owner): Tree {
  const names = [project, stack, ...(database ? [database] : [])];
  const input = withNamespace(values, names.join("-"));
  if (values.fromEnvironment !== true) return input;
  const local = join(__dirname, "..", "local.env");
  return overlay(input, variables(local, process.env), names.join("/"));
}

/** Sets the namespace of a stack that names none. */
function withNamespace(values: Tree, namespace: string): Tree {
  const { placement = {} } = values;
  const isObject = typeof placement === "object" && placement !== null;
  return { ...values, placement: isObject ? { namespace, ...placement } : placement };
}
