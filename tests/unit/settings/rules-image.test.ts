import { expect } from "chai";
import { mayNotSay, maySay, type Wrong } from "./cases";
import { problemsOf, type Tree } from "./stack";

const REF = "registry.example.com/postgres@sha256:".padEnd(101, "0");
const version = (major: number, image: Tree = {}): Tree => ({ postgres: { version: major }, image });

describe("a stack's image", () => {
  mayNotSay([
    ["no image at all", { image: undefined }, /^image: is missing/],
    [
      "neither repository nor reference",
      { image: { repository: undefined, platform: "linux/arm64" } },
      /^image: has neither/,
    ],
    ["both repository and reference", { image: { ref: REF } }, /^image: has both/],
    [
      "a base image with a reference",
      { image: { repository: undefined, ref: REF, baseImage: "postgres:18" } },
      /^image\.baseImage: has no effect/,
    ],
    [
      "a repository without its registry",
      { image: { repository: "postgres" } },
      /^image\.repository: is not an image repository with a registry's host/,
    ],
    [
      "a repository with a tag",
      { image: { repository: "r.io/postgres:18" } },
      /^image\.repository: is not an image repository/,
    ],
    [
      "a reference without tag",
      { image: { repository: undefined, ref: "r.io/postgres" } },
      /^image\.ref: is not an image reference with a tag or digest/,
    ],
    ...["linux/amd64,linux/arm64", ["linux/arm64", "linux/amd64"]].map(
      (platform): Wrong => [
        `both platforms, as ${JSON.stringify(platform)}`,
        { image: { platform } },
        /^image\.platform: names more than one, and `pulumi up` builds for one.*docker buildx.*image\.ref/,
      ],
    ),
    [
      "another platform",
      { image: { platform: "windows/amd64" } },
      /^image\.platform: must be one of: linux\/amd64, linux\/arm64/,
    ],
    [
      "a WAL-G without checksum",
      { image: { walg: { url: "https://x.org/wal-g" } } },
      /^image\.walg\.sha256: is missing/,
    ],
    [
      "a checksum in capitals",
      { image: { walg: { url: "https://x.org/w", sha256: "A".repeat(64) } } },
      /^image\.walg\.sha256: is not a SHA-256/,
    ],
    [
      "an address with a password",
      { image: { walg: { url: "https://a:b@x.org/w", sha256: "a".repeat(64) } } },
      /^image\.walg\.url: is not a valid address/,
    ],
    [
      "a major without a pinned base image",
      version(19),
      /^image\.baseImage: is missing \(no base .* 19 is pinned/,
    ],
    [
      "a base image of another major",
      version(19, { baseImage: "postgres:18.4-bookworm" }),
      /^image\.baseImage: is an image of PostgreSQL 18 by its tag \(postgres\.version is 19\)/,
    ],
    [
      "an image of another major",
      version(19, { repository: undefined, ref: "r.io:5000/team/postgres:18-0123456789ab" }),
      /^image\.ref: is an image of PostgreSQL 18 by its tag/,
    ],
  ]);

  maySay([
    ["another major with its base image", version(19, { baseImage: "r.io/postgres:19beta1-bookworm" })],
    ["a base image whose tag says no major", version(17, { baseImage: "r.io/postgres:2026-11" })],
    ["another major by digest", version(17, { repository: undefined, ref: REF })],
    ["an image built before", { image: { repository: undefined, ref: REF } }],
    [
      "an image by tag, with a registry's port",
      { image: { repository: undefined, ref: "localhost:5000/postgres:18-0123456789ab" } },
    ],
  ]);

  it("may have hostile names that take no longer to refuse", () => {
    const text = `${"a".repeat(400)}!`;
    const started = process.hrtime.bigint();
    const overlay = {
      image: { repository: `r.io/${text}`, baseImage: text },
      backup: { prefix: `s3://${text},` },
    };
    expect(problemsOf(overlay)).to.have.length(3);
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(500);
  });
});
