import type { Row } from "../effects";
import { isOurs, type Step } from "../step";
import { arrow } from "../words";
import { mild, row, unknown } from "./rule";

/** Annotations that tell Pulumi's provider how to treat an object. */
const PREFIX = "pulumi.com/";

/** The protection that an object loses through instructions to the provider. */
export function orderRows(step: Step): Row[] {
  if (!isOurs(step) || step.operation !== "update") return [];
  return step.changes.filter(isOrder).flatMap(({ path, before, after }) => {
    const name = (path[2] ?? "").slice(PREFIX.length);
    const words = arrow(name, before, after);
    switch (name) {
      case "timeoutSeconds":
        return [];
      case "skipAwait":
        if (after !== "true" || step.type.endsWith(":Service")) return [];
        return [
          mild(row(step, words, "checks are off", "an update ends before anyone knows whether it came up")),
        ];
      case "patchForce":
      case "patchFieldManager":
        if (name === "patchForce" && after !== "true") return [];
        return [row(step, words, "checks are off", "it keeps another stack's object from being taken over")];
      default:
        return after === undefined
          ? []
          : [unknown(step, words, "an instruction to the provider that is not known here", true)];
    }
  });
}

/** Whether a change is an instruction to the provider. */
export function isOrder({ path }: { readonly path: readonly string[] }): boolean {
  return path[0] === "metadata" && path[1] === "annotations" && (path[2] ?? "").startsWith(PREFIX);
}
