import { at } from "./kubernetes";
import type { ResourcePolicy } from "./policy";

interface Config {
  readonly arguments: readonly string[];
}

/** The paths of build arguments by provider. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  "docker:index/image:Image": ["build", "args"],
  "docker-build:index:Image": ["buildArgs"],
};

/** Every release moves the tag of a base image: other libraries under the same data. */
export const baseByDigest: ResourcePolicy<Config> = {
  name: "base-by-digest",
  description: "The base of an image that is built is pinned by digest.",
  defaults: { arguments: ["BASE_IMAGE"] },
  schema: {
    arguments: {
      type: "array",
      items: { type: "string" },
      description: "Build arguments that name a base image.",
    },
  },
  check(resource, config) {
    const path = ARGUMENTS[resource.type];
    if (path === undefined) return [];
    return config.arguments.flatMap((name) => {
      const image = at(resource.props, ...path, name);
      return typeof image === "string" && !/@sha256:[0-9a-f]{64}$/.test(image)
        ? [
            `is built on ${image} (${name}): add the digest, ${image}@sha256:..., so that it can't become another image.`,
          ]
        : [];
    });
  },
};
