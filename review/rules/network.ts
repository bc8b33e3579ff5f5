import type { Change } from "../diff";
import { at, isOurs, type Values } from "../step";
import { exposureRows, isExposure } from "./exposure";
import { isMetadata, metadataAlone, paths, type Rule, row, unknown } from "./rule";

/** A Service affects how clients reach the server, not the server itself. */
export const service: Rule = (step) => {
  const { operation, changes } = step;
  const leads = isOurs(step) || findsServers(at(step.after, "spec", "selector"));
  const opened = leads && operation !== "delete" ? exposureRows(step) : [];
  const rest = changes.filter(({ path }) => !isExposure(path) && !isMetadata(path));
  if (opened.length > 0 && (operation === "create" || (operation === "update" && rest.length === 0)))
    return opened;
  if (operation === "create") return [row(step, "created", "nothing", "it was not there before")];
  const followed = changes.filter((it) => isFollowed(it, at(step.after, "spec", "type")));
  if (isOurs(step) && operation === "update" && followed.length > 0 && metadataAlone(changes)) {
    const why =
      "whatever creates the load balancer, or its name, follows them: clients may find the server elsewhere";
    return [row(step, paths(step), "disconnect", why)];
  }
  if (operation === "update" && metadataAlone(changes))
    return [
      row(
        step,
        paths(step),
        "nothing",
        "labels and annotations alone; a cloud's load balancer may follow them",
      ),
    ];
  if (!isOurs(step)) return [...opened, unknown(step, paths(step), "who uses it is not known", false)];
  const why = {
    update: "clients may no longer find the server, which keeps running",
    replace: "until the new Service is there, clients find no server; its address may be another one",
    delete: "clients that use it no longer find a server",
    unknown: "whether clients still find the server is not known",
  }[operation];
  return [...opened, row(step, paths(step), "disconnect", why)];
};

/** An annotation that configures a cloud's load balancer or DNS. */
function isFollowed({ path }: Change, type: unknown): boolean {
  const name = path[2] ?? "";
  if (path[1] !== "annotations" || name.startsWith("pulumi.com/")) return false;
  return type === "LoadBalancer" || /dns|hostname/.test(name);
}

/** Labels of a server's pod besides its instance (k8s/names.ts). */
const SERVER: Values = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
  "app.kubernetes.io/managed-by": "postgres-stack",
  "postgres-stack/role": "primary",
};

/** Whether a selector, also of another program, matches a server of this product. */
function findsServers(selector: unknown): boolean {
  const pairs = Object.entries((selector ?? {}) as Values);
  const fits = ([name, value]: [string, unknown]) => SERVER[name] === value;
  return pairs.some(fits) && pairs.every((it) => fits(it) || it[0] === "app.kubernetes.io/instance");
}

/** Who can reach the server, and what the server can reach, including its archive. */
export const networkPolicy: Rule = (step) => {
  const selectors = [step.before, step.after].map(
    (it) => at(it, "spec", "podSelector") as Values | undefined,
  );
  const all = selectors.some((it) => it !== undefined && Object.keys(it).length === 0);
  if (!isOurs(step) && !all && !selectors.some((it) => findsServers(it?.matchLabels)))
    return [unknown(step, paths(step), "which pods it selects is not known", false)];
  const why =
    "it decides who reaches the server, and whether the server reaches its archive: others get in, or clients are kept out";
  return [row(step, paths(step), "access changes", why)];
};
