import { hasLabels, isDisposable, kindOf } from "./kubernetes";
import type { ResourcePolicy } from "./policy";

interface Config {
  readonly labels: Readonly<Record<string, string>>;
  readonly allowDisposable: boolean;
}

/** `pulumi destroy`, or a change that replaces it, deletes a claim that isn't protected. */
export const claimProtected: ResourcePolicy<Config> = {
  name: "claim-protected",
  description: "A database's claim is protected, unless its stack is disposable.",
  defaults: { labels: { "app.kubernetes.io/name": "postgres" }, allowDisposable: true },
  schema: {
    labels: { type: "object", description: "Which claims are meant; {} for all." },
    allowDisposable: { type: "boolean", description: "Whether a claim that is labelled disposable may go." },
  },
  check(resource, { labels, allowDisposable }) {
    if (kindOf(resource) !== "PersistentVolumeClaim" || !hasLabels(resource, labels)) return [];
    if (resource.protect || (allowDisposable && isDisposable(resource))) return [];
    return [
      "is not protected: `pulumi destroy`, and a change that replaces it, would delete the data too. Set `protect: true` on it" +
        (allowDisposable ? ", or make the stack disposable." : "."),
    ];
  },
};
