import { relative } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { contextHash, normaliseModes } from "./context-hash";

/** An image that somebody built before: nothing of Docker is registered or needed. */
export interface ExistingImage {
  /** Full reference; with a digest (`repository@sha256:...`) it can never mean another image. */
  readonly ref: string;
}

/** An image that `pulumi up` builds from `docker-context/` and pushes. */
export interface BuiltImage {
  /** Where it is pushed, with the registry's host, without a tag: `registry.example.com/team/postgres`. */
  readonly repository: string;
  /** One platform: what the cluster's nodes run. */
  readonly platform: "linux/amd64" | "linux/arm64";
  /** The official image of the major, pinned by digest. */
  readonly baseImage: string;
  /** The WAL-G release asset (bare binary or tarball) and its SHA-256. */
  readonly walg: { readonly url: string; readonly sha256: string };
  /** For the push; left out where the Docker client is logged in already. */
  readonly credentials?: { readonly username: string; readonly password: pulumi.Input<string> };
}

export type PostgresImageArgs = (ExistingImage | BuiltImage) & {
  /** PostgreSQL major: the first part of the tag. */
  readonly major: number;
};

/**
 * The PostgreSQL image of a stack: built and pushed, or taken as it is.
 *
 * The tag is `<major>-<hash12>` of what decides the image (see {@link contextHash}), so that the same inputs have the
 * same tag on every machine, and a preview without any build shows it.
 */
export class PostgresImage extends pulumi.ComponentResource {
  /** Known at preview. */
  readonly tag: string;
  /** What a pod runs: `repository@sha256:...` once it is pushed, or `ref` as given. */
  readonly reference: pulumi.Output<string>;
  /** `sha256:...`; empty where `ref` names none. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, args: PostgresImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("postgres-stack:image:PostgresImage", name, {}, opts);
    if ("ref" in args) {
      this.tag = tagOf(args.ref);
      this.reference = pulumi.output(args.ref);
    } else {
      const build = buildArguments(args);
      const hash = contextHash(CONTEXT, { ...build, platform: args.platform });
      this.tag = `${args.major}-${hash.slice(0, 12)}`;
      this.reference = this.build(name, args, build);
    }
    this.digest = this.reference.apply((reference) => reference.split("@")[1] ?? "");
    this.registerOutputs({ tag: this.tag, reference: this.reference, digest: this.digest });
  }

  /**
   * The provider's own hash takes whole file modes in, so a checkout under another umask would be a change: the modes
   * are set to those that our hash counts.
   */
  private build(name: string, args: BuiltImage, build: Record<string, string>): pulumi.Output<string> {
    normaliseModes(CONTEXT);
    const image = new docker.Image(
      name,
      {
        imageName: `${args.repository}:${this.tag}`,
        build: {
          context: `./${relative(process.cwd(), CONTEXT)}`,
          dockerfile: `./${relative(process.cwd(), CONTEXT)}/Dockerfile`,
          args: build,
          platform: args.platform,
        },
        registry: { server: registryHost(args.repository), ...args.credentials },
      },
      { parent: this },
    );
    return image.repoDigest;
  }
}

const CONTEXT = `${__dirname}/../docker-context`;

function buildArguments({ baseImage, walg }: BuiltImage): Record<string, string> {
  return { BASE_IMAGE: baseImage, WALG_URL: walg.url, WALG_SHA256: walg.sha256 };
}

/** `registry:5000/team/postgres:18@sha256:...` -> `18`; the digest's first 12 digits where there is no tag. */
function tagOf(ref: string): string {
  const [name = "", digest = ""] = ref.split("@");
  const last = name.slice(name.lastIndexOf("/") + 1);
  return last.split(":")[1] ?? digest.replace("sha256:", "").slice(0, 12);
}

/** The part before the first `/`: settings/ has made sure that it is a host. */
function registryHost(repository: string): string {
  return repository.slice(0, repository.indexOf("/"));
}
