import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import pins from "../../../image/pins.json";
import { only, render } from "../render";

const built = { repository: "registry.example.com/team/postgres", platform: "linux/amd64" };

describe("the image of a stack", () => {
  it("has a tag that a preview knows: the major and 12 digits of the hash", async () => {
    const { outputs } = await render("dev", {}, true);
    expect(outputs.tag).to.match(/^18-[0-9a-f]{12}$/);
  });

  it("has the same tag in every stack that builds the same", async () => {
    const [dev, prod] = [await render("dev", { image: built }), await render("prod", { image: built })];
    expect(dev.outputs.tag).to.equal(prod.outputs.tag);
  });

  it("has another tag for another base image, WAL-G or platform", async () => {
    const tags = new Set<unknown>();
    for (const image of [
      built,
      { ...built, baseImage: `registry.example.com/postgres:18@sha256:${"1".repeat(64)}` },
      { ...built, walg: { url: "https://mirror.example.com/wal-g", sha256: "2".repeat(64) } },
      { ...built, platform: "linux/arm64" },
    ]) {
      tags.add((await render("dev", { image })).outputs.tag);
    }
    expect(tags.size).to.equal(4);
  });

  it("is built for one platform that is always said, from a relative context", async () => {
    const image = only(await render("dev", { image: built }), "docker:index/image:Image");
    const build = image.inputs.build as Record<string, unknown>;
    expect(build).to.include({ platform: "linux/amd64", context: "./docker-context" });
    expect(image.inputs.imageName).to.match(/^registry\.example\.com\/team\/postgres:18-/);
  });

  it("is pushed with a password that is a secret", async () => {
    const credentials = { username: "ci", password: "very-secret" };
    const rendered = await render("dev", { image: { ...built, credentials } });
    const registry = only(rendered, "docker:index/image:Image").inputs.registry;
    expect(registry).to.deep.include({
      server: "registry.example.com",
      username: "ci",
      password: "[secret]",
    });
  });

  it("is taken as it is where ref names one: nothing of Docker is registered", async () => {
    const ref = `registry.example.com/postgres:18-abc@sha256:${"a".repeat(64)}`;
    const rendered = await render("dev", { image: { ref } });
    expect(rendered.resources.filter(({ type }) => type.startsWith("docker:"))).to.deep.equal([]);
    expect(rendered.outputs).to.include({ tag: "18-abc", digest: `sha256:${"a".repeat(64)}` });
    const server = only(rendered, "kubernetes:apps/v1:StatefulSet");
    expect(JSON.stringify(server.inputs)).to.include(ref);
  });

  it("has the same pins in pins.json and as the Dockerfile's defaults", () => {
    const dockerfile = readFileSync(join(__dirname, "../../../docker-context/Dockerfile"), "utf8");
    expect(dockerfile).to.include(pins.baseImage["18"]);
    for (const { url, sha256 } of Object.values(pins.walg)) {
      expect(dockerfile).to.include(sha256);
      expect(dockerfile).to.include(url.slice(url.lastIndexOf("/") + 1));
    }
  });
});
