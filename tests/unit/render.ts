import { expect } from "chai";
import type { Rendered, RenderedResource } from "../../local/record";

const FROM_ENVIRONMENT = [
  "BASE_IMAGE",
  "WALG_URL",
  "WALG_SHA256",
  "REGISTRY",
  "S3_ENDPOINT",
  "S3_BUCKET",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "NAMESPACE",
];

/** The dev stack as anybody sees it: nothing of this machine's environment feeds it. */
export const DEV = {
  environment: Object.fromEntries(FROM_ENVIRONMENT.map((name) => [name, undefined])),
};

/** The one resource of a type (and name); anything else fails the test. */
export function only(rendered: Rendered, type: string, name?: string): RenderedResource {
  const found = rendered.resources.filter(
    (it) => it.type === type && (name === undefined || it.name === name),
  );
  expect(
    found.map((it) => it.urn),
    `resources of ${type} ${name ?? ""}`,
  ).to.have.length(1);
  return found[0] as RenderedResource;
}
