/** One value that differs; `before` or `after` is undefined if it was absent. */
export interface Change {
  /** Keys from the top; elements of a list with names are keyed by name. */
  readonly path: readonly string[];
  readonly before: unknown;
  readonly after: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/** Maps with free keys: a state omits an empty one that the program has. */
const MAPS = new Set(["annotations", "labels", "nodeSelector"]);

/** The differences between two trees, leaf by leaf; a missing subtree is one change. */
export function changesOf(before: unknown, after: unknown, path: readonly string[] = []): Change[] {
  const absent = MAPS.has(path.at(-1) ?? "") ? {} : undefined;
  const [left, right] = alike(named(before ?? absent), named(after ?? absent));
  if (isValues(left) && isValues(right)) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].sort().flatMap((key) => changesOf(left[key], right[key], [...path, key]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An empty list has no names, so it takes the shape of the other side. */
function alike(left: unknown, right: unknown): [unknown, unknown] {
  const empty = (value: unknown) => Array.isArray(value) && value.length === 0;
  return [empty(left) && isValues(right) ? {} : left, empty(right) && isValues(left) ? {} : right];
}

/**
 * A list of objects as an object: keyed by `name` if each name is unique (containers, volumes, environment), otherwise by
 * position. An environment variable becomes its value.
 */
function named(value: unknown): unknown {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isValues)) return value;
  const names = value.map(({ name }) => name);
  const unique = new Set(names).size === names.length && names.every((name) => typeof name === "string");
  return Object.fromEntries(
    value.map((element, i) => (unique ? [element.name, withoutName(element)] : [i, element])),
  );
}

function withoutName({ name: _, ...rest }: Values): unknown {
  return Object.keys(rest).join() === "value" ? rest.value : rest;
}
