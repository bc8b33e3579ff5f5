import { baseByDigest } from "../../../review/policies/base-by-digest";
import { noLatestTag } from "../../../review/policies/no-latest-tag";
import { UNKNOWN } from "../../../review/policies/policy";
import { examples, resource, workload } from "./judge";

const IMAGE = "docker:index/image:Image";
const DIGEST = `@sha256:${"a".repeat(64)}`;
const runs = (image: unknown) => [workload("Deployment", { container: { image } })];
const builtOn = (base: unknown) => [resource(IMAGE, { build: { args: { BASE_IMAGE: base } } })];

describe("policies about images", () => {
  examples(
    noLatestTag,
    {
      "a version": runs("registry:5000/team/postgres:18-abc"),
      "a digest, whatever the tag": runs(`postgres:latest${DIGEST}`),
      "an image that is not known yet": runs(UNKNOWN),
      "a pushed version": [resource(IMAGE, { imageName: "r.io/postgres:18-abc" })],
    },
    {
      latest: [runs("postgres:latest"), /image of container main is postgres:latest: name a version/],
      "no tag at all": [runs("registry:5000/team/postgres"), /container main/],
      "an init container's": [
        [workload("Job", { pod: { initContainers: [{ name: "init", image: "busybox" }] } })],
        /container init is busybox/,
      ],
      "a pushed latest": [[resource(IMAGE, { imageName: "r.io/postgres:latest" })], /image that is pushed/],
    },
  );

  examples(
    baseByDigest,
    {
      "a base with its digest": builtOn(`postgres:18-bookworm${DIGEST}`),
      "a base that is not known yet": builtOn(UNKNOWN),
      "an image without that argument": [resource(IMAGE, { build: {} })],
      "docker-build's, with its digest": [
        resource("docker-build:index:Image", { buildArgs: { BASE_IMAGE: `postgres${DIGEST}` } }),
      ],
    },
    {
      "a base by tag": [builtOn("postgres:18-bookworm"), /built on postgres:18-bookworm .* add the digest/],
      "docker-build's by tag": [
        [resource("docker-build:index:Image", { buildArgs: { BASE_IMAGE: "postgres:18" } })],
        /add the digest/,
      ],
    },
  );
});
