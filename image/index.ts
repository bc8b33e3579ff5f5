import { relative } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { tagOf } from "../settings/major";
import type { BuiltImage, ImageSettings } from "../settings/settings";
import { contextHash, normaliseModes } from "./context-hash";

/** Image settings from a stack or `settingsFrom`, with the image's major. */
export type PostgresImageArgs = ImageSettings & {
  /** PostgreSQL major, the first part of the tag. */
  readonly major: number;
};

/**
 * The PostgreSQL image of a stack, either built and pushed or an existing one.
 *
 * The tag is `<major>-<hash12>` of what determines the image (see {@link contextHash}), so the same inputs give the same tag
 * on every machine, and a preview shows it without a build.
 */
export class PostgresImage extends pulumi.ComponentResource {
  /** The tag, known at preview. */
  readonly tag: string;
  /** The pods' image: `repository@sha256:...` after the push, or `ref` as given. */
  readonly reference: pulumi.Output<string>;
  /** `sha256:...`; empty if `ref` has no digest. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, args: PostgresImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("postgres-stack:image:PostgresImage", name, {}, opts);
    if ("ref" in args) {
      this.tag = tagOf(args.ref) || shortDigest(args.ref);
      this.reference = pulumi.output(args.ref);
    } else {
      const build = buildArguments(args);
      const hash = contextHash(CONTEXT, { ...build, platform: args.platform });
      this.tag = `${args.major}-${hash.slice(0, 12)}`;
      this.reference = this.build(name, args, build);
    }
    this.digest = this.reference.apply((reference) => reference?.split("@")[1] ?? ""); // undefined in other programs' mocks
    this.registerOutputs({ tag: this.tag, reference: this.reference, digest: this.digest });
  }

  /**
   * Sets the file modes that our hash counts. The provider's own hash includes whole modes, so a checkout under another umask
   * would be a change.
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

/** `registry:5000/team/postgres@sha256:...` -> the digest's first 12 digits. */
function shortDigest(ref: string): string {
  return (ref.split("@sha256:")[1] ?? "").slice(0, 12);
}

/** The part before the first `/`: settings/ has ensured that it is a host. */
function registryHost(repository: string): string {
  return repository.slice(0, repository.indexOf("/"));
}
