/** Records what a program registers with the SDK's mock monitor, in a form that people can read and compare. */
import * as pulumi from "@pulumi/pulumi";
import type {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
} from "@pulumi/pulumi/proto/resource_pb";

const stackType = pulumi.runtime.rootPulumiStackTypeName;

type Values = Record<string, unknown>;

/** One resource as the program registered it. */
export interface RenderedResource {
  type: string;
  name: string;
  urn: string;
  /** Every secret text reads `[secret]`, and what a preview can't know `[unknown]`. */
  inputs: Values;
  options: {
    protect: boolean;
    retainOnDelete: boolean;
    deleteBeforeReplace: boolean;
    /** `type::name` of the parent, absent for the children of the stack. */
    parent?: string;
    /** `type::name` of everything that must be there first, through `dependsOn` or an input. */
    dependsOn: string[];
    ignoreChanges: string[];
    replaceOnChanges: string[];
    /** Durations as the program gave them, for example `10m`. */
    customTimeouts: { create?: string; update?: string; delete?: string };
    hooks: string[];
  };
}

export interface Rendered {
  /** Sorted by URN; the stack itself is left out. */
  resources: RenderedResource[];
  /** Stack outputs, with `[secret]` and `[unknown]` as in the inputs. */
  outputs: Values;
}

type Callback = (error: Error | null, response?: unknown) => void;

/** The SDK's mock monitor: it keeps a resource's options to itself and can't register hooks. */
interface Monitor {
  registerResource(request: RegisterResourceRequest, callback: Callback): Promise<void>;
  registerResourceOutputs(request: RegisterResourceOutputsRequest, callback: Callback): void;
  registerResourceHook(request: unknown, callback: Callback): void;
  registerErrorHook(request: unknown, callback: Callback): void;
}

/**
 * Starts to record the program that runs next; call it after `setMocks`.
 *
 * @param showSecrets - show secrets instead of `[secret]`
 * @returns filled while the program runs
 */
export function record(showSecrets: boolean): Rendered {
  const recorded: Rendered = { resources: [], outputs: {} };
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (!error && request.getType() !== stackType) {
        recorded.resources.push(rendered(request, (response as { getUrn(): string }).getUrn(), showSecrets));
      }
      callback(error, response);
    });
  monitor.registerResourceOutputs = (request, callback) => {
    if (request.getUrn().includes(`::${stackType}::`)) {
      recorded.outputs = readable(request.getOutputs()?.toJavaScript() ?? {}, showSecrets) as Values;
    }
    registerOutputs(request, callback);
  };
  monitor.registerResourceHook = (_, callback) => callback(null, {});
  monitor.registerErrorHook = (_, callback) => callback(null, {});
  return recorded;
}

function rendered(request: RegisterResourceRequest, urn: string, showSecrets: boolean): RenderedResource {
  const timeouts = request.getCustomtimeouts()?.toObject() ?? { create: "", update: "", pb_delete: "" };
  const hooks = request.getHooks()?.toObject() ?? {};
  const parent = request.getParent();
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    inputs: readable(request.getObject()?.toJavaScript() ?? {}, showSecrets) as Values,
    options: {
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
      deleteBeforeReplace: request.getDeletebeforereplace(),
      ...(parent.includes(`::${stackType}::`) ? {} : { parent: tail(parent) }),
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

/** `type::name` of a URN, without the types of its parents. */
function tail(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return `${type.split("$").pop()}::${name}`;
}

// How the engine's protocol marks special values (sdk/nodejs/runtime/rpc.ts).
const signatureKey = "4dabf18193072939515e22adb298388d";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function readable(value: unknown, showSecrets: boolean, secret = false): unknown {
  if (value === unknownValue) return "[unknown]";
  if (Array.isArray(value)) return value.map((part) => readable(part, showSecrets, secret));
  if (typeof value !== "object" || value === null) return secret && !showSecrets ? "[secret]" : value;
  const object = value as Values;
  switch (object[signatureKey]) {
    case pulumi.runtime.specialSecretSig:
      return readable(object.value, showSecrets, true);
    case pulumi.runtime.specialResourceSig:
      return tail(String(object.urn));
    default:
      return Object.fromEntries(
        Object.entries(object).map(([key, part]) => [key, readable(part, showSecrets, secret)]),
      );
  }
}
