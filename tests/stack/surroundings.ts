import pins from "../../image/pins.json";
import type { Surroundings } from "../unit/review/changes";

/** Where the environment says that images, backups and the cluster are, for a stack whose file says it itself. */
export function surroundings(namespace: string, kubeconfig: string): Surroundings {
  const env = (name: string, otherwise = "") => process.env[name] || otherwise;
  const baseImage = env("BASE_IMAGE", pins.baseImage["18"]);
  const walg = pins.walg["linux/amd64"];
  return {
    repository: `${env("REGISTRY")}/postgres-stack`,
    baseImage,
    otherBaseImage: otherSpelling(baseImage),
    nextBaseImage: env("BASE_IMAGE_19", "postgres:19-bookworm"),
    walg: { url: env("WALG_URL", walg.url), sha256: env("WALG_SHA256", walg.sha256) },
    prefix: `s3://${env("S3_BUCKET")}/review/${namespace}`,
    endpoint: env("S3_ENDPOINT"),
    accessKeyId: env("S3_ACCESS_KEY_ID"),
    secretAccessKey: env("S3_SECRET_ACCESS_KEY"),
    namespace,
    otherClass: "another-class",
    kubeconfig,
    tested: `${env("REGISTRY")}/postgres-stack:18-tested`,
  };
}

/** Another way to write an image's name: the same image, another build argument. */
function otherSpelling(image: string): string {
  return image.startsWith("127.0.0.1:")
    ? image.replace("127.0.0.1", "localhost")
    : `docker.io/library/${image}`;
}
