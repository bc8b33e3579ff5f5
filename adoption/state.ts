/** Rebuilds a lost state from the stack's program and the running objects. */
import { randomUUID } from "node:crypto";

export type Values = { [key: string]: unknown };

/** A resource in the format of `pulumi preview --json` and `pulumi stack export`. */
export interface Resource extends Values {
  urn: string;
  type: string;
  custom: boolean;
  id?: string;
  parent?: string;
  provider?: string;
  dependencies?: string[];
  inputs?: Values;
  outputs?: Values;
}

/** A Kubernetes object in the format of `kubectl get -o json`. */
export interface Live extends Values {
  kind: string;
  metadata: Metadata;
}
interface Metadata extends Values {
  name: string;
  namespace?: string;
  creationTimestamp?: string;
  annotations?: Record<string, string>;
  managedFields?: { manager: string; operation: string; time?: string }[];
}

export interface Adopted {
  /** Ordered so that each resource follows its dependencies. */
  readonly resources: Resource[];
  /** `type::name` of resources that the program wants but the cluster lacks: an update creates them. */
  readonly missing: string[];
}

/** The engine's placeholder for a value that only an update can determine. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const KUBERNETES = "kubernetes:";
const PROVIDER = "pulumi:providers:";

/**
 * @param planned what a preview would create from an empty state
 * @param live the objects in the stack's namespace
 * @param config the stack's configuration, the source of default providers
 */
export function adopt(planned: readonly Resource[], live: readonly Live[], config: Values): Adopted {
  const providers = new Map<string, Resource>();
  const resources: Resource[] = [];
  const missing: string[] = [];
  for (const { sourcePosition, stackTrace, ...resource } of planned) {
    const state = resource.custom ? adoptOne(resource, live) : { ...resource };
    if (state === undefined) {
      missing.push(tail(resource.urn));
      continue;
    }
    if (resource.type.startsWith(PROVIDER)) providers.set(resource.urn, state);
    resources.push(state);
  }
  for (const { provider } of resources) {
    const urn = provider && providerUrn(provider);
    if (urn && !providers.has(urn)) providers.set(urn, defaultProvider(urn, config));
  }
  const known = new Set([...resources.map(({ urn }) => urn), ...providers.keys()]);
  const defaults = [...providers.values()].filter((it) => !resources.includes(it));
  const named = resources.map((it) => linked(it, providers, known));
  return { resources: [...named.slice(0, 1), ...defaults, ...named.slice(1)], missing };
}

/** `<urn>::<id>` of a provider -> its URN. */
const providerUrn = (reference: string) => reference.slice(0, reference.lastIndexOf("::"));
const tail = (urn: string) => `${urn.split("::")[2]?.split("$").pop()}::${urn.split("::")[3]}`;

/** Sets the provider's id in this state, and drops references to resources that aren't in it. */
function linked(
  resource: Resource,
  providers: ReadonlyMap<string, Resource>,
  known: ReadonlySet<string>,
): Resource {
  const { propertyDependencies, ...state } = resource; // the next update writes them
  if (state.provider) {
    const urn = providerUrn(state.provider);
    state.provider = `${urn}::${providers.get(urn)?.id}`;
  }
  if (state.dependencies) state.dependencies = state.dependencies.filter((urn) => known.has(urn));
  return state;
}

/** The engine's default provider, `<...>::default_4_32_0`: its name holds the version, the configuration the rest. */
function defaultProvider(urn: string, config: Values): Resource {
  const [, name = "", version = ""] = /::pulumi:providers:(\w+)::default_(\w+)$/.exec(urn) ?? [];
  const keys = Object.entries(config).filter(([key]) => key.startsWith(`${name}:`));
  const settings = Object.fromEntries(keys.map(([key, value]) => [key.slice(name.length + 1), value]));
  const inputs = { ...settings, version: version.replaceAll("_", ".") };
  return { urn, type: PROVIDER + name, custom: true, id: randomUUID(), inputs, outputs: inputs };
}

function adoptOne(resource: Resource, live: readonly Live[]): Resource | undefined {
  if (resource.type.startsWith(PROVIDER)) return provider(resource);
  if (resource.type.startsWith(KUBERNETES)) return object(resource, live);
  if (resource.type === "docker:index/image:Image") return image(resource, live);
  if (resource.type === "random:index/randomPassword:RandomPassword") return password(resource, live);
  return undefined;
}

function provider(resource: Resource): Resource {
  const { __internal, ...outputs } = resource.inputs ?? {};
  return { ...resource, id: randomUUID(), outputs };
}

function object(resource: Resource, live: readonly Live[]): Resource | undefined {
  const found = find(resource, live);
  if (found === undefined) return undefined;
  const { name, namespace } = found.metadata;
  const planned = resource.inputs as Values & { metadata: Metadata };
  const inputs = known({ ...planned, metadata: { ...planned.metadata, name } }, found) as Values;
  if (found.kind === "Secret") {
    delete inputs.stringData; // the API server stores it as data
    inputs.data = secret(found.data);
  }
  const outputs: Values = {
    ...found,
    ...(found.kind === "Secret" && { data: inputs.data }),
    __fieldManager: fieldManager(planned.metadata, found),
    __initialApiVersion: found.apiVersion,
    __inputs: inputs,
  };
  return { ...resource, id: namespace ? `${namespace}/${name}` : name, inputs, outputs };
}

/** Finds a resource's object by name, or takes the newest of those that Pulumi named after it. */
function find({ urn, inputs }: Resource, live: readonly Live[]): Live | undefined {
  const { kind, metadata } = inputs as { kind: string; metadata: Metadata };
  const same = live.filter((it) => it.kind === kind && it.metadata.namespace === metadata.namespace);
  if (metadata.annotations?.["pulumi.com/autonamed"] !== "true")
    return same.find((it) => it.metadata.name === metadata.name);
  const name = urn.split("::")[3];
  const age = (it: Live) => String(it.metadata.creationTimestamp);
  const named = same.filter((it) => it.metadata.name.replace(/-[0-9a-f]{8}$/, "") === name);
  return named.sort((a, b) => (age(a) < age(b) ? 1 : -1))[0];
}

/** The fields' owner according to the API server, which would reject the first change by another one. */
function fieldManager(planned: Metadata, { metadata }: Live): string {
  const given = planned.annotations?.["pulumi.com/patchFieldManager"];
  if (given) return given;
  const [last] = (metadata.managedFields ?? [])
    .filter(({ manager, operation }) => operation === "Apply" && manager.startsWith("pulumi-kubernetes-"))
    .sort((a, b) => (String(a.time) < String(b.time) ? 1 : -1));
  return last?.manager ?? `pulumi-kubernetes-${randomUUID().slice(0, 8)}`;
}

/** The program's values; the cluster's where only an update can determine them. */
function known(planned: unknown, live: unknown): unknown {
  if (planned === UNKNOWN) return live;
  if (Array.isArray(planned))
    return planned.map((part, i) => known(part, Array.isArray(live) ? live[i] : undefined));
  if (typeof planned !== "object" || planned === null) return planned;
  const there = (typeof live === "object" && live !== null ? live : {}) as Values;
  return Object.fromEntries(Object.entries(planned).map(([key, part]) => [key, known(part, there[key])]));
}

/** The server's image, if the program would build the same one. Otherwise it is missing, and an update builds it. */
function image(resource: Resource, live: readonly Live[]): Resource | undefined {
  const { imageName, registry, build } = resource.inputs as {
    imageName: string;
    registry?: Values;
    build?: Values;
  };
  const { annotations, image } = serverOf(live);
  const repository = imageName.slice(0, imageName.lastIndexOf(":"));
  if (annotations["postgres-stack/image"] !== imageName.slice(repository.length + 1)) return undefined;
  if (!image.startsWith(`${repository}@`)) return undefined;
  const inputs = { ...resource.inputs, ...(registry?.password ? { registry: secret(registry) } : {}) };
  const outputs = {
    __inputs: secret(resource.inputs),
    baseImageName: imageName,
    imageName,
    repoDigest: image,
    context: build?.context,
    dockerfile: build?.dockerfile,
    platform: build?.platform,
    registryServer: registry?.server,
  };
  return { ...resource, id: imageName, inputs, outputs };
}

function serverOf(live: readonly Live[]): { annotations: Record<string, string>; image: string } {
  const server = live.find(({ kind }) => kind === "StatefulSet") as Values | undefined;
  const spec = server?.spec as
    | {
        template: {
          metadata: { annotations?: Record<string, string> };
          spec: { containers: { image: string }[] };
        };
      }
    | undefined;
  return {
    annotations: spec?.template.metadata.annotations ?? {},
    image: spec?.template.spec.containers[0]?.image ?? "",
  };
}

/** `postgres-app-password` is in the Secret `postgres-app`. */
function password(resource: Resource, live: readonly Live[]): Resource | undefined {
  const name = resource.urn.split("::")[3]?.replace(/-password$/, "");
  const found = live.find((it) => it.kind === "Secret" && it.metadata.name === name);
  const encoded = (found?.data as Record<string, string> | undefined)?.password;
  if (encoded === undefined) return undefined;
  const all = { lower: true, upper: true, number: true, numeric: true };
  const none = { minLower: 0, minNumeric: 0, minSpecial: 0, minUpper: 0 };
  const result = secret(Buffer.from(encoded, "base64").toString());
  return { ...resource, id: "none", outputs: { ...resource.inputs, ...all, ...none, id: "none", result } };
}

const secret = (value: unknown) => ({ ...SECRET, plaintext: JSON.stringify(value) });
