import type { Context } from "mocha";
import { skip } from "../lib/skip";
import { docker, IMAGE, prepareImage } from "./docker";

const BASE_IMAGES: Record<number, string | undefined> = {
  17: process.env.BASE_IMAGE_17,
  19: process.env.BASE_IMAGE_19,
};
const built = new Map<number, Promise<string>>();

/** Whether base images of these majors exist; the other tests run on 18. */
export function majorsAreThere(...majors: number[]): boolean {
  return majors.every((major) => major === 18 || BASE_IMAGES[major]);
}

/** Counts the tests as skipped, and says why, when these majors have no base images. */
export function needMajors(test: Context, ...majors: number[]): void {
  if (majorsAreThere(...majors)) return;
  skip(test, `a base image is missing (${majors.map((major) => `BASE_IMAGE_${major}`).join(", ")})`);
}

const tagOf = (major: number) => `${IMAGE}-${major}`;

/** The image of a major, built at its first use; Docker caches a build by another process of the run. */
export function imageOf(major: number): Promise<string> {
  if (major === 18) return Promise.resolve(IMAGE);
  const known = built.get(major);
  if (known) return known;
  const image = prepareImage(tagOf(major), BASE_IMAGES[major]).then(() => tagOf(major));
  built.set(major, image);
  return image;
}

/** Removes the images of the other majors. */
export async function removeMajors(): Promise<void> {
  await docker(["rmi", "-f", ...Object.keys(BASE_IMAGES).map((major) => tagOf(Number(major)))]);
  built.clear();
}
