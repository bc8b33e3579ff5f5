import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { renderStack } from "../render/mocks";
import type { Major } from "../settings/major";
import { ownValues, projectName, stackFiles } from "../settings/stacks";

const ROOT = resolve(__dirname, "..");
type Tree = Record<string, unknown>;

/** Input of `docker build`. */
export interface Build {
  readonly imageName: string;
  readonly platform: string;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * The build of a stack's image for another major, exactly as the program would do it: the tag is the same, so a later upgrade
 * finds the image. If the stack's file names no base image, `BASE_IMAGE_<major>` in the environment is the base.
 *
 * @throws the program's own list of problems, or that the stack doesn't build its images
 */
export async function buildOf(stack: string, major: Major): Promise<Build> {
  const file = stackFiles(ROOT).find((it) => it.stack === stack);
  const { postgres, image, backup } = (file ? ownValues(file, projectName(ROOT)) : {}) as Record<
    string,
    Tree | undefined
  >;
  if (image?.ref !== undefined) {
    throw new Error(
      `the images of ${stack} are built elsewhere (image.ref); nothing was started. Name one of PostgreSQL ${major}: IMAGE=<reference>`,
    );
  }
  const baseImage = process.env[`BASE_IMAGE_${major}`];
  const { resources } = await renderStack(stack, {
    config: {
      postgres: { ...postgres, version: major },
      image: { ...image, ...(baseImage && { baseImage }) },
      backup: backup && { ...backup, encryption: undefined }, // the key can't be decrypted here, and an image doesn't need it
      ...{ restore: undefined, cloneFrom: undefined, upgrade: undefined },
    },
  });
  const built = resources.find(({ type }) => type === "docker:index/image:Image");
  if (built === undefined) throw new Error(`the program builds no image for ${stack}`);
  const { imageName, build } = built.inputs as unknown as {
    imageName: string;
    build: Omit<Build, "imageName">;
  };
  return { imageName, ...build };
}

/** Builds and pushes with Docker's own login. Docker's output goes to stderr. */
export function build({ imageName, platform, args }: Build): string {
  const values = Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  docker("build", "--platform", platform, ...values, "--tag", imageName, "docker-context");
  docker("push", imageName);
  return imageName;
}

function docker(...args: string[]): void {
  const { status, error } = spawnSync("docker", args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (error || status !== 0)
    throw new Error(`docker ${args[0]} failed (above); nothing was started on the cluster`);
}
