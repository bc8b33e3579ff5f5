import { type Rule, unless } from "./rule";

const BUILT = ["platform", "baseImage", "walg", "credentials"] as const;

/** An image is built, or it exists: never both. */
export const imageRules: readonly Rule[] = [
  {
    needs: ["image.ref", "image.repository"],
    check: ({ image: { ref, repository } }) =>
      unless(
        (ref === undefined) !== (repository === undefined),
        "image",
        `${ref === undefined ? "says neither" : "says both"} (either repository, to build and push to, or ref, an image built before)`,
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
];
