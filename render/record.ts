/** Records what a program registers with the SDK's mock monitor, in a readable and comparable form. */
import * as pulumi from "@pulumi/pulumi";
import {
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
  ResourceMonitorFeature,
} from "@pulumi/pulumi/proto/resource_pb";
import * as state from "@pulumi/pulumi/runtime/state";

const stackType = pulumi.runtime.rootPulumiStackTypeName;

type Values = Record<string, unknown>;

/** One resource as the program registered it. */
export interface RenderedResource {
  type: string;
  name: string;
  urn: string;
  /** True for a component; absent otherwise. */
  component?: true;
  /** Former URNs, including those from the parent's aliases. Absent if there are none. */
  aliases?: string[];
  /** Secrets are masked by the caller's `Mask`; values unknown to a preview are `[unknown]`. */
  inputs: Values;
  options: {
    protect: boolean;
    retainOnDelete: boolean;
    deleteBeforeReplace: boolean;
    /** `type::name` of the parent; absent for the children of the stack. */
    parent?: string;
    /** `type::name` of an explicit provider; absent for the package's default one. */
    provider?: string;
    /** `type::name` of every dependency, through `dependsOn` or an input. */
    dependsOn: string[];
    ignoreChanges: string[];
    replaceOnChanges: string[];
    /** Durations as the program specified them, for example `10m`. */
    customTimeouts: { create?: string; update?: string; delete?: string };
    hooks: string[];
  };
}

export interface Rendered {
  /** Sorted by URN, without the stack itself. */
  resources: RenderedResource[];
  /** Stack outputs, with secrets and unknown values as in the inputs. */
  outputs: Values;
}

type Callback = (error: Error | null, response?: unknown) => void;

/** The SDK's mock monitor, which doesn't expose a resource's options. */
interface Monitor {
  registerResource(request: RegisterResourceRequest, callback: Callback): Promise<void>;
  registerResourceOutputs(request: RegisterResourceOutputsRequest, callback: Callback): void;
  getDeploymentInfo(request: unknown, callback: Callback): void;
  /** Absent in the mocks; programs look for it to find out whether hooks are supported. */
  registerResourceHook?(): void;
}

interface DeploymentInfo {
  getSupportedfeaturesList(): ResourceMonitorFeature[];
}

/** The SDK's state, which its type declarations omit. */
interface Store {
  callbacks: unknown;
}

/** Replaces the server through which an engine calls hooks: mocks call none, and the server would need a network. */
const NO_CALLBACKS = {
  registerResourceHook: async () => {},
  registerErrorHook: async () => {},
  awaitStackRegistrations: async () => {},
  shutdown: () => {},
};

/** Replacement of a secret. */
export type Mask = (secret: unknown) => unknown;

/**
 * Records the program that runs next; call it after `setMocks`.
 *
 * @param mask - replacement of secrets
 * @returns filled while the program runs
 */
export function record(mask: Mask): Rendered {
  const recorded: Rendered = { resources: [], outputs: {} };
  const store = (state as unknown as { getStore(): Store }).getStore();
  store.callbacks = NO_CALLBACKS;
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  monitor.registerResourceHook = () => {};
  const register = monitor.registerResource.bind(monitor);
  const deploymentInfo = monitor.getDeploymentInfo.bind(monitor);
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (!error && request.getType() !== stackType) {
        recorded.resources.push(rendered(request, (response as { getUrn(): string }).getUrn(), mask));
      }
      callback(error, response);
    });
  monitor.registerResourceOutputs = (request, callback) => {
    if (request.getUrn().includes(`::${stackType}::`)) {
      recorded.outputs = readable(request.getOutputs()?.toJavaScript() ?? {}, mask) as Values;
    }
    registerOutputs(request, callback);
  };
  // without this feature the SDK itself derives aliases from the parent's
  monitor.getDeploymentInfo = (request, callback) =>
    deploymentInfo(request, (error, response) => {
      const features = (response as DeploymentInfo).getSupportedfeaturesList();
      const fewer = features.filter(
        (it) => it !== ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
      );
      callback(error, { getSupportedfeaturesList: () => fewer });
    });
  return recorded;
}

function rendered(request: RegisterResourceRequest, urn: string, mask: Mask): RenderedResource {
  const timeouts = request.getCustomtimeouts()?.toObject() ?? { create: "", update: "", pb_delete: "" };
  const hooks = request.getHooks()?.toObject() ?? {};
  const parent = request.getParent();
  const provider = request.getCustom() ? request.getProvider().replace(/::[^:]*$/, "") : ""; // <urn>::<id>
  const aliases = formerUrns(request, urn);
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    ...(!request.getCustom() && { component: true as const }),
    ...(aliases.length > 0 && { aliases }),
    inputs: readable(request.getObject()?.toJavaScript() ?? {}, mask) as Values,
    options: {
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
      deleteBeforeReplace: request.getDeletebeforereplace(),
      ...(parent.includes(`::${stackType}::`) ? {} : { parent: tail(parent) }),
      ...(provider && { provider: tail(provider) }),
      dependsOn: request.getDependenciesList().map(tail).sort(),
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      customTimeouts: {
        ...(timeouts.create && { create: timeouts.create }),
        ...(timeouts.update && { update: timeouts.update }),
        ...(timeouts.pb_delete && { delete: timeouts.pb_delete }),
      },
      hooks: Object.values(hooks).flat().map(String).sort(),
    },
  };
}

/** A resource's aliases, without those that SDKs add: the same kind in another module of the same package. */
function formerUrns(request: RegisterResourceRequest, urn: string): string[] {
  const anyModule = (of: string) => of.replace(/:[^:$]+:(\w+::[^$]*)$/, ":$1");
  return request
    .getAliasurnsList()
    .map((alias) => alias.replace(`::${stackType}$`, "::"))
    .filter((alias) => anyModule(alias) !== anyModule(urn));
}

/** `type::name` of a URN, without its parents' types. */
function tail(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return `${type.split("$").pop()}::${name}`;
}

// The engine protocol's markers of special values (sdk/nodejs/runtime/rpc.ts).
const signatureKey = "4dabf18193072939515e22adb298388d";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function readable(value: unknown, mask: Mask, secret = false): unknown {
  if (value === unknownValue) return "[unknown]";
  if (Array.isArray(value)) return value.map((part) => readable(part, mask, secret));
  if (typeof value !== "object" || value === null) return secret ? mask(value) : value;
  const object = value as Values;
  switch (object[signatureKey]) {
    case pulumi.runtime.specialSecretSig:
      return readable(object.value, mask, true);
    case pulumi.runtime.specialResourceSig:
      return tail(String(object.urn));
    default:
      return Object.fromEntries(
        Object.entries(object).map(([key, part]) => [key, readable(part, mask, secret)]),
      );
  }
}
