import { majorOfTag, tagOf } from "../major";
import { pinnedBase } from "../pins";
import type { StackConfig } from "../schema";
import { type Rule, unless } from "./rule";

const BUILT = ["platform", "baseImage", "walg", "credentials"] as const;

/** A stack either builds an image or names one, never both. */
export const imageRules: readonly Rule[] = [
  {
    needs: ["image.ref", "image.repository"],
    check: ({ image: { ref, repository } }) =>
      unless(
        (ref === undefined) !== (repository === undefined),
        "image",
        `${ref === undefined ? "has neither" : "has both"} (either repository, to build and push to, or ref, an image built before)`,
      ),
  },
  {
    needs: ["image.ref"],
    check: ({ image }) =>
      image.ref === undefined || image.repository !== undefined
        ? []
        : BUILT.filter((key) => image[key] !== undefined).map((key) => ({
            path: `image.${key}`,
            message: "has no effect (with image.ref nothing is built: leave it out)",
          })),
  },
  {
    needs: ["postgres.version", "image.ref", "image.repository", "image.baseImage"],
    check: ({ image: { ref, baseImage }, postgres: { version } }) =>
      unless(
        ref !== undefined || baseImage !== undefined || pinnedBase(version) !== undefined,
        "image.baseImage",
        `is missing (no base image of PostgreSQL ${version} is pinned in image/pins.json: postgres:${version}-... by digest, or image.ref in place of a build)`,
      ),
  },
  ...(["ref", "baseImage"] as const).map((key) => ({
    needs: ["postgres.version", `image.${key}`],
    check: ({ image, postgres: { version } }: StackConfig) => {
      const major = majorOfTag(tagOf(image[key] ?? ""));
      return unless(
        major === undefined || major === version,
        `image.${key}`,
        `is an image of PostgreSQL ${major} by its tag (postgres.version is ${version})`,
      );
    },
  })),
];
