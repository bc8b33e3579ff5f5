import { z } from "zod";
import * as field from "./fields";

/** Effects that a review accepts only if the stack's file names them, from bad to worst. */
export const DANGEROUS = [
  "access changes",
  "weaker isolation",
  "weaker encryption",
  "checks are off",
  "opened to the outside",
  "longer between backups",
  "backups begin anew",
  "acknowledged commits may be lost",
  "no longer protected",
  "backups are deleted",
  "backups end",
  "a crash may break the database",
  "may not serve",
  "restore",
  "major upgrade",
  "unknown",
  "REPLACES THE DATABASE",
  "DELETES DATA",
] as const;

export type Dangerous = (typeof DANGEROUS)[number];

/** What reviews let through. The program itself ignores it. */
export const reviewSchema = z.strictObject({
  allow: z
    .array(z.strictObject({ effect: z.enum(DANGEROUS), until: field.day, why: field.plainText }))
    .default([]),
});

export type Allowed = z.output<typeof reviewSchema>["allow"][number];
