import { at, isTree, kindOf } from "./kubernetes";
import { pathsOf, SECRET_NAME } from "./no-plain-secrets";
import type { Resource, StackPolicy } from "./policy";

/** Shorter values occur in other texts by chance. */
const SHORTEST = 8;

/** Complements no-plain-secrets: a Secret's value must not appear anywhere else, under any name. */
export const secretsStaySecret: StackPolicy = {
  name: "secrets-stay-secret",
  description: "No other object of the program holds what one of its Secrets holds.",
  defaults: {},
  schema: {},
  checkAll(resources) {
    const secrets = resources.flatMap(valuesOf);
    return resources
      .filter((it) => kindOf(it) !== undefined && kindOf(it) !== "Secret")
      .flatMap(({ urn, props }) =>
        secrets.flatMap(({ owner, key, value }) =>
          pathsOf(props, (text) => text.includes(value)).map((path) => ({
            urn,
            message: `${path} holds the value of ${key} of the Secret ${owner}: refer to the Secret instead.`,
          })),
        ),
      );
  },
};

/** Values of a Secret with a secret key; others, such as a host name, may appear elsewhere. */
function valuesOf(resource: Resource): { owner: string; key: string; value: string }[] {
  if (kindOf(resource) !== "Secret") return [];
  const entries = (key: string) => Object.entries(asTree(at(resource.props, key)));
  const decoded = entries("data").map(([key, value]) => [key, decode(value)] as const);
  return [...entries("stringData"), ...decoded].flatMap(([key, value]) =>
    SECRET_NAME.test(key) && typeof value === "string" && value.length >= SHORTEST
      ? [{ owner: resource.name, key, value }]
      : [],
  );
}

function asTree(value: unknown): Readonly<Record<string, unknown>> {
  return isTree(value) ? value : {};
}

function decode(value: unknown): unknown {
  return typeof value === "string" ? Buffer.from(value, "base64").toString() : value;
}
