/**
 * Runs a Pulumi program in process, without the Pulumi CLI, an engine or a provider: a mock answers and records every
 * resource. Golden tests and the embedded server read the record.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { load } from "js-yaml";
import { type Mask, type Rendered, record } from "./record";

const root = resolve(__dirname, "..");

type Values = Record<string, unknown>;

export interface RenderOptions {
  /** Overrides Pulumi.<stack>.yaml; `undefined` removes a key. Keys without a namespace belong to the project. */
  config?: Values;
  /** Overrides environment variables during the run; `undefined` removes one. */
  environment?: Record<string, string | undefined>;
  /** Runs like `pulumi preview`: values that only a provider knows are unknown. Default: false. */
  preview?: boolean;
  /** Replaces secrets, both the mocks' and those that the configuration holds in plain text. Default: `[secret]`. */
  secrets?: Mask;
  /** Folder of the project. Default: this one. */
  folder?: string;
  /** Program to run, for tests of this module. Default: the project's index.ts. */
  program?: string;
}

/**
 * Renders a stack. Calls must not overlap: the Pulumi runtime is global to the process.
 *
 * @param stack - name of the stack; Pulumi.<stack>.yaml must exist
 * @returns every resource with its inputs and options, and the stack's outputs
 * @throws what the program throws while loading, for example the list of invalid settings
 */
export async function renderStack(stack: string, options: RenderOptions = {}): Promise<Rendered> {
  const folder = options.folder ?? root;
  const project = readYaml(folder, "Pulumi.yaml");
  const projectName = String(project.name);
  const preview = options.preview ?? false;
  await pulumi.runtime.setMocks(mocks(preview), projectName, stack, preview);
  setConfig(projectName, project, readYaml(folder, `Pulumi.${stack}.yaml`), options.config ?? {});
  const recorded = record(options.secrets ?? (() => "[secret]"));
  const restore = overlayEnvironment(options.environment ?? {});
  const { prepareStackTrace, stackTraceLimit } = Error;
  // the SDK formats a stack per promise and resource, a quarter of the run time; the program's own errors are formatted later
  Error.prepareStackTrace = String;
  Error.stackTraceLimit = 1;
  try {
    let failure: unknown;
    await pulumi.runtime.runInPulumiStack(async () => {
      try {
        return loadAgain(options.program ?? join(folder, "index"));
      } catch (error) {
        failure = error; // throwing here would reject promises inside the SDK that nobody handles
      }
    });
    await pulumi.runtime.disconnect();
    if (failure) throw failure;
  } finally {
    restore();
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
  recorded.resources.sort((a, b) => (a.urn < b.urn ? -1 : 1));
  return recorded;
}

function readYaml(folder: string, file: string): Values {
  const path = join(folder, file);
  if (!existsSync(path)) throw new Error(`${file} does not exist: there is no such stack`);
  return (load(readFileSync(path, "utf8")) ?? {}) as Values;
}

/** Reruns only the program: the modules that it imports are pure. */
function loadAgain(program: string): unknown {
  delete require.cache[require.resolve(program)];
  return require(program);
}

function overlayEnvironment(overlay: Record<string, string | undefined>): () => void {
  const before = Object.fromEntries(Object.keys(overlay).map((name) => [name, process.env[name]]));
  const apply = (values: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  apply(overlay);
  return () => apply(before);
}

/** Required values of a stack that takes them from Pulumi ESC, which this doesn't call. */
const IMPORTED: Values = {
  dataSize: "1Gi",
  image: { ref: `pulumi-esc.invalid/image@sha256:${"0".repeat(64)}` },
};

/** Pulumi.yaml's defaults, then the stack's file, then the caller's values, in the runtime's format. */
function setConfig(projectName: string, project: Values, stack: Values, overlay: Values): void {
  const values = new Map<string, unknown>();
  const set = (key: string, value: unknown) => {
    const full = key.includes(":") ? key : `${projectName}:${key}`;
    if (value === undefined) values.delete(full);
    else values.set(full, value);
  };
  for (const [key, declared] of Object.entries((project.config ?? {}) as Record<string, Values>)) {
    set(key, declared?.value ?? declared?.default);
  }
  for (const layer of [(stack.config ?? {}) as Values, overlay]) {
    for (const [key, value] of Object.entries(layer)) set(key, value);
  }
  if (stack.environment !== undefined) {
    for (const [key, value] of Object.entries(IMPORTED))
      if (!values.has(`${projectName}:${key}`)) set(key, value);
  }
  const secretKeys: string[] = [];
  const texts: Record<string, string> = {};
  for (const [key, value] of values) {
    const text = JSON.stringify(value, (name, part) =>
      isCiphertext(part) ? standIn(name || key, part) : part,
    );
    if (text !== JSON.stringify(value)) secretKeys.push(key);
    const plain: unknown = JSON.parse(text);
    texts[key] = typeof plain === "string" ? plain : text;
  }
  pulumi.runtime.setAllConfig(texts, secretKeys);
}

/** Whether this is `secure: v1:...` from a stack's file. */
function isCiphertext(value: unknown): value is { secure: unknown } {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "secure";
}

/** Replaces a ciphertext, which can't be decrypted here, with text unique to it that satisfies settings/fields.ts. */
function standIn(name: string, { secure }: { secure: unknown }): string {
  const hash = sha256(String(secure));
  if (name === "libsodiumKey") return hash;
  if (name === "pgpKey")
    return `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${hash}\n-----END PGP PRIVATE KEY BLOCK-----`;
  return `secret value of ${name}, ${hash.slice(0, 12)}`;
}

/** The providers' answers, derived from the inputs so that every run is the same. */
function mocks(preview: boolean): pulumi.runtime.Mocks {
  return {
    call: () => ({}),
    newResource: ({ type, name, inputs }) => ({
      id: preview ? undefined : `${name}-id`,
      state: preview ? inputs : { ...inputs, ...computed(type, name, inputs) },
    }),
  };
}

function computed(type: string, name: string, inputs: Values): Values {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      // The provider marks it as a secret; the mock monitor drops additionalSecretOutputs.
      return { result: pulumi.secret(`password-of-${name}-${sha256(JSON.stringify(inputs)).slice(0, 8)}`) };
    case "random:index/randomId:RandomId":
      return { hex: sha256(name).slice(0, 2 * Number(inputs.byteLength)) };
    case "docker:index/image:Image":
      return { repoDigest: `${inputs.imageName}@sha256:${sha256(name)}` };
    default:
      // the API server's answer to an object without its own name
      return type.startsWith("kubernetes:") ? { metadata: { name, ...(inputs.metadata as Values) } } : {};
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
