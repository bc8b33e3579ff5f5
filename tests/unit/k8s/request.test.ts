import { expect } from "chai";
import type { Rendered, RenderedResource } from "../../../render/record";
import { only, render } from "../render";
import { type Any, backup, STATEFUL_SET, template } from "./template";

describe("a request", () => {
  const restore = { id: "monday", to: "latest" };
  const cloneFrom = {
    prefix: "s3://bucket/other",
    credentials: { accessKeyId: "reader", secretAccessKey: "very-secret-too" },
  };
  const pods = (rendered: Rendered) => [
    only(rendered, "kubernetes:batch/v1:Job", "postgres-preflight"),
    only(rendered, "kubernetes:core/v1:Pod", "postgres-report"),
  ];

  it("is checked before the server changes and reported after it, by pods that can't write to the volume", async () => {
    const rendered = await render("prod", { backup, restore });
    const [check, report] = pods(rendered) as [RenderedResource, RenderedResource];
    const conf = only(rendered, "kubernetes:core/v1:ConfigMap", "postgres-conf"); // the first that the server uses
    expect(conf.options.dependsOn, "settings").to.include(`${check.type}::${check.name}`);
    expect(report.options.dependsOn, "report").to.include(`${STATEFUL_SET}::postgres`);
    for (const spec of [template(check).spec, report.inputs.spec as Any]) {
      expect(spec.securityContext.runAsNonRoot).to.equal(true);
      expect(spec.containers[0].securityContext.capabilities).to.deep.equal({ drop: ["ALL"] });
      expect(spec.containers[0].volumeMounts.find((mount: Any) => mount.name === "data").readOnly).to.equal(
        true,
      );
    }
  });

  it("is told to the server and to the pods that ask about it in the same words", async () => {
    const rendered = await render("prod", { backup, restore });
    const told = (spec: Any) =>
      spec.containers[0].env.filter(({ name }: Any) => /^(RESTORE|WALG|AWS)_/.test(name));
    const server = told(template(only(rendered, STATEFUL_SET)).spec);
    expect(server).to.deep.include({ name: "RESTORE_ID", value: "monday" });
    for (const pod of pods(rendered))
      expect(told(template(pod)?.spec ?? pod.inputs.spec)).to.deep.equal(server);
  });

  it("has the credentials of a clone's source as files, apart from the stack's own, and nowhere in plain", async () => {
    const rendered = await render("prod", { backup, cloneFrom });
    expect(JSON.stringify(rendered)).not.to.include("very-secret-too");
    const { containers, volumes } = template(only(rendered, STATEFUL_SET)).spec;
    const folder = "/run/secrets/postgres-stack";
    expect(containers[0].env).to.deep.include.members([
      { name: "AWS_SECRET_ACCESS_KEY_FILE", value: `${folder}/object-store/AWS_SECRET_ACCESS_KEY` },
      { name: "CLONE_AWS_SECRET_ACCESS_KEY_FILE", value: `${folder}/clone-source/AWS_SECRET_ACCESS_KEY` },
    ]);
    expect(JSON.stringify(volumes)).to.include("postgres-clone-source");
  });

  it("that is not made leaves nothing behind", async () => {
    const names = (await render("prod", { backup })).resources.map(({ name }) => name);
    expect(names.filter((name) => /preflight|report|clone/.test(name))).to.deep.equal([]);
  });
});
