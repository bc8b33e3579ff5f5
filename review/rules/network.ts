import { isOurs } from "../step";
import { exposureRows, isExposure } from "./exposure";
import { isMetadata, metadataAlone, paths, type Rule, row, unknown } from "./rule";

/** A Service: clients find the server through it; the server itself does not notice. */
export const service: Rule = (step) => {
  const { operation, changes } = step;
  const opened = isOurs(step) && operation !== "delete" ? exposureRows(step) : [];
  const rest = changes.filter(({ path }) => !isExposure(path) && !isMetadata(path));
  if (opened.length > 0 && (operation === "create" || (operation === "update" && rest.length === 0)))
    return opened;
  if (operation === "create") return [row(step, "created", "nothing", "it was not there before")];
  if (operation === "update" && metadataAlone(changes))
    return [
      row(
        step,
        paths(step),
        "nothing",
        "labels and annotations alone; a cloud's load balancer may follow them",
      ),
    ];
  if (!isOurs(step)) return [unknown(step, paths(step), "who uses it is not known", false)];
  const why = {
    update: "clients may lose their way to the server; the server runs on",
    replace: "until the new Service is there, clients find no server; its address may be another one",
    delete: "clients that use it find no server any more",
    unknown: "what becomes of the way to the server is not known",
  }[operation];
  return [...opened, row(step, paths(step), "disconnect", why)];
};
