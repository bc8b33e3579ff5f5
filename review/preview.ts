import { type Change, changesOf } from "./diff";
import { type Operation, ownValue, type Plan, readUrn, type Step, type Values, versionIn } from "./step";
import { SECRET, UNKNOWN } from "./words";

/** The part of `pulumi preview --json` that a review needs (pulumi/pulumi, pkg/backend/display/json.go). */
interface PreviewJson {
  readonly config?: Readonly<Record<string, string>>;
  readonly steps?: readonly PreviewStep[];
  readonly diagnostics?: readonly { readonly severity?: string; readonly message?: string }[];
}

interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: ResourceState;
  readonly newState?: ResourceState;
  readonly replaceReasons?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, { readonly kind?: string }>> | null;
}

interface ResourceState {
  readonly id?: string;
  readonly custom?: boolean;
  readonly parent?: string;
  readonly inputs?: Values;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
}

/** The engine's operations; undefined: nothing happens, or another step reports it. */
const OPERATIONS: Readonly<Record<string, Operation | undefined>> = {
  create: "create",
  import: "create",
  update: "update",
  delete: "delete",
  replace: "replace",
  "create-replacement": "replace",
  "import-replacement": "replace",
  "delete-replaced": undefined,
  "discard-replaced": undefined,
  "read-replacement": undefined,
  "remove-pending-replace": undefined,
  discard: undefined,
  read: undefined,
  refresh: undefined,
  same: undefined,
};

/** Placeholders for values that a preview can't know (pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go). */
const UNKNOWNS = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * Reads the output of `pulumi preview --json`, from this program or another.
 *
 * A preview that failed, or whose output is cut off, has a `failure`: it never counts as one without changes. What an earlier
 * replacement left to be deleted is only in one with `--show-replacement-steps`.
 *
 * @param exitCode the preview's, if known
 */
export function readPreview(stack: string, text: string, exitCode = 0): Plan {
  const preview = parse(text);
  if (preview?.steps === undefined) {
    const failure = messages(preview) || "this is not the output of `pulumi preview --json`";
    return { stack, steps: [], failure, review: undefined, more: [] };
  }
  const failed = exitCode !== 0 ? `pulumi preview ended with ${exitCode}` : "";
  return {
    stack,
    steps: unfolded(preview.steps).flatMap(readStep),
    failure: messages(preview) || failed || undefined,
    review: fromJson(ownText(preview, "review")),
    version: versionIn(fromJson(ownText(preview, "postgres"))),
    more: [],
  };
}

function ownText({ config }: PreviewJson, name: "review" | "postgres"): string | undefined {
  return ownValue(config, name) as string | undefined;
}

/** The output of the program may precede the JSON. */
function parse(text: string): PreviewJson | undefined {
  const start = text.search(/^\{/m);
  const value = start < 0 ? undefined : fromJson(text.slice(start));
  return typeof value === "object" && value !== null ? value : undefined;
}

function fromJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

/** The engine's error messages, without its frame around them. */
function messages(preview: PreviewJson | undefined): string {
  const errors = (preview?.diagnostics ?? []).filter(({ severity }) => severity === "error");
  const texts = errors.map(({ message = "" }) =>
    message
      .replace(/^error: /, "")
      .replace(/^Preview failed: /, "")
      .trim(),
  );
  return texts.filter((text) => text !== "" && text !== "preview failed").join("\n");
}

/**
 * Folds the parts of a replacement (`--show-replacement-steps`) into one step. A deletion that is part of no replacement is of an
 * object that an earlier replacement could not delete; it counts like any other deletion, unless the object is retained.
 */
function unfolded(steps: readonly PreviewStep[]): PreviewStep[] {
  const replaced = steps.filter(({ op }) => op === "replace");
  return steps.flatMap((step) => {
    const whole = replaced.filter(({ urn }) => urn === step.urn);
    if (/^(create|import)-replacement$/.test(step.op)) return whole.length > 0 ? [] : [step];
    if (step.op !== "delete-replaced" || whole.some((it) => it.oldState?.id === step.oldState?.id))
      return [step];
    return step.oldState?.retainOnDelete ? [] : [{ ...step, op: "delete" }];
  });
}

function readStep(step: PreviewStep): Step[] {
  const { oldState, newState } = step;
  const options = liftedOptions(step);
  const operation = operationOf(step, options);
  if (operation === undefined) return [];
  const { types, name } = readUrn(step.urn);
  const type = types.at(-1) ?? "";
  const custom = (newState ?? oldState)?.custom ?? true;
  if (!custom && !type.startsWith("postgres-stack:")) return []; // a component: its children have their own steps
  const [before, after] = [oldState, newState].map((state) => plain(state?.inputs) as Values | undefined);
  const parent = (newState ?? oldState)?.parent;
  const existing = operation === "create" ? undefined : oldState;
  return [
    {
      operation,
      type,
      name,
      within: types.slice(0, -1),
      ...(parent && { parent: tail(parent) }),
      ...(operation !== "create" && { before }),
      ...(operation !== "delete" && { after }),
      changes: [...changesOf(before, after), ...hiddenChanges(step, before, after), ...options].filter(
        isReal,
      ),
      replacedBy: (step.replaceReasons ?? []).filter((path) => path !== "id"),
      protect: existing?.protect === true && (newState ?? oldState)?.protect === true,
      retain: existing?.retainOnDelete === true,
    },
  ];
}

/** The engine reports no change when only protection is lost; the review reports an update. */
function operationOf({ op }: PreviewStep, options: readonly Change[]): Operation | undefined {
  if (op === "same" && options.length > 0) return "update";
  return op in OPERATIONS ? OPERATIONS[op] : "unknown";
}

/** Pulumi's protection that a remaining resource loses. */
function liftedOptions({ op, oldState, newState }: PreviewStep): Change[] {
  if (!["same", "update", "replace", "create-replacement"].includes(op)) return [];
  return (["protect", "retainOnDelete"] as const)
    .filter((option) => oldState?.[option] === true && newState !== undefined && newState[option] !== true)
    .map((option) => ({ path: ["options", option], before: true, after: false }));
}

function tail(urn: string): string {
  const { types, name } = readUrn(urn);
  return `${types.at(-1)}::${name}`;
}

/** Unifies the unknowns. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return UNKNOWNS.has(value) ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

/** The provider omits a mount's `readOnly: false` if it has queried the API server, and keeps it otherwise. */
function isReal({ path, before, after }: Change): boolean {
  return path.at(-1) !== "readOnly" || (before ?? false) !== (after ?? false);
}

/** Secrets are hidden on both sides; only the provider's list shows that one changed. */
function hiddenChanges(step: PreviewStep, before?: Values, after?: Values): Change[] {
  return Object.entries(step.detailedDiff ?? {})
    .map(([text, { kind = "" }]) => ({ path: pathOf(text), kind }))
    .filter(({ path }) => isHidden(before, path) && isHidden(after, path))
    .map(({ path, kind }) => ({
      path,
      before: kind.startsWith("add") ? undefined : SECRET,
      after: kind.startsWith("delete") ? undefined : SECRET,
    }));
}

/** Whether the value at a path, or one of its parents, is a secret. */
function isHidden(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (value === SECRET) return true;
  return key !== undefined && isHidden((value as Values | undefined)?.[key], rest);
}

/** `data["a.b"].c[0]` -> data, a.b, c, 0 */
function pathOf(text: string): string[] {
  const parts = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, word]) => quoted ?? index ?? word ?? "");
}
