import { at, containersOf } from "./kubernetes";
import type { ResourcePolicy } from "./policy";

/** `latest` changes without a commit: a restarted pod may run another image than the pod next to it. */
export const noLatestTag: ResourcePolicy = {
  name: "no-latest-tag",
  description: "Images are named by a tag other than latest, or by digest.",
  defaults: {},
  schema: {},
  check(resource) {
    const images = containersOf(resource).map(({ title, spec }) => ({
      where: `the image of ${title}`,
      image: spec.image,
    }));
    const built = resource.type === "docker:index/image:Image" ? [at(resource.props, "imageName")] : [];
    return [...images, ...built.map((image) => ({ where: "the image that is pushed", image }))].flatMap(
      ({ where, image }) =>
        typeof image === "string" && isLatest(image)
          ? [`${where} is ${image}: name a version, or the digest (@sha256:...).`]
          : [],
    );
  },
};

/** A reference without tag and digest means latest too; a colon before the last slash is a registry's port. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const [, tag = "latest"] = image.slice(image.lastIndexOf("/") + 1).split(":");
  return tag === "latest";
}
