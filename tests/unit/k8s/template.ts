import type { RenderedResource } from "../../../render/record";

export const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";
export const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";

// biome-ignore lint/suspicious/noExplicitAny: rendered inputs are read by path
export type Any = any;

/** Backups of a stack. */
export const backup = {
  prefix: "s3://bucket/path",
  schedule: "15 2 * * *",
  credentials: { accessKeyId: "key-id", secretAccessKey: "very-secret" },
};

export const PGP_KEY =
  "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nvery-secret\n-----END PGP PRIVATE KEY BLOCK-----";

/** The pod's template of a StatefulSet, Job or CronJob. */
export function template({ inputs }: RenderedResource): Any {
  const spec = inputs.spec as Any;
  return (spec.jobTemplate?.spec ?? spec).template;
}
