import { join } from "node:path";
import { overlay, variables } from "./environment";

type Tree = Record<string, unknown>;

/** Whose settings they are. */
export interface Owner {
  readonly project: string;
  readonly stack: string;
  /** Tells several databases of one program apart. */
  readonly database?: string;
}

/**
 * What a stack says, with what follows from its name and, where it says `fromEnvironment`, from the environment and
 * `local.env`. Nothing is checked here.
 */
export function complete(values: Tree, { project, stack, database }: Owner): Tree {
  const names = [project, stack, ...(database ? [database] : [])];
  const input = withNamespace(values, names.join("-"));
  if (values.fromEnvironment !== true) return input;
  const local = join(__dirname, "..", "local.env");
  return overlay(input, variables(local, process.env), names.join("/"));
}

/** The namespace of a stack that names none. */
function withNamespace(values: Tree, namespace: string): Tree {
  const { placement = {} } = values;
  const isObject = typeof placement === "object" && placement !== null;
  return { ...values, placement: isObject ? { namespace, ...placement } : placement };
}
