import { at, containersOf, isTree, kindOf, listAt } from "./kubernetes";
import type { Resource, ResourcePolicy } from "./policy";

/** Names of secret values; `..._FILE` holds a path, which is no secret. */
export const SECRET_NAME =
  /(^|[_.-])(password|passwd|passphrase|secret|token|credentials?|api[_-]?key|private[_-]?key|(secret[_-]?)?access[_-]?key([_-]?id)?)$/i;

/** Texts that contain a secret, whatever their name. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\w+:\/\/[^\s/:@]+:[^\s/@$]+@/, "an address with a password"],
];

/** Anyone who may read a pod, a ConfigMap or an image's history can read its values, so secrets belong in Secrets. */
export const noPlainSecrets: ResourcePolicy = {
  name: "no-plain-secrets",
  description: "No secret is in a container's variables, a ConfigMap, an annotation or a build's arguments.",
  defaults: {},
  schema: {},
  check(resource) {
    const kind = kindOf(resource);
    if (kind === "Secret" || (kind === undefined && !resource.type.startsWith("docker"))) return [];
    const named = namedValues(resource)
      .filter(({ name, value }) => typeof value === "string" && value !== "" && SECRET_NAME.test(name))
      .map(
        ({ where, name }) =>
          `${where} has the secret ${name} in plaintext: put it into a Secret and mount that.`,
      );
    const texts = SECRET_TEXTS.flatMap(([pattern, what]) =>
      pathsOf(resource.props, (text) => pattern.test(text)).map(
        (path) => `${path} holds ${what}: put it into a Secret.`,
      ),
    );
    return [...named, ...texts];
  },
};

function namedValues(resource: Resource): { where: string; name: string; value: unknown }[] {
  const entries = (where: string, value: unknown) =>
    Object.entries(isTree(value) ? value : {}).map(([name, text]) => ({ where, name, value: text }));
  const variables = containersOf(resource).flatMap(({ title, spec }) =>
    listAt(spec, "env").map((it) => ({ where: title, name: String(at(it, "name")), value: at(it, "value") })),
  );
  return [
    ...variables,
    ...(kindOf(resource) === "ConfigMap" ? entries("data", at(resource.props, "data")) : []),
    ...(resource.type === "docker:index/image:Image"
      ? entries("build.args", at(resource.props, "build", "args"))
      : []),
    ...(resource.type === "docker-build:index:Image"
      ? entries("buildArgs", at(resource.props, "buildArgs"))
      : []),
  ];
}

/** Paths of the texts that pass a test. */
export function pathsOf(value: unknown, test: (text: string) => boolean, path = ""): string[] {
  if (typeof value === "string") return test(value) ? [path] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    pathsOf(part, test, path === "" ? key : `${path}.${key}`),
  );
}
