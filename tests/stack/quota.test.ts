import { expect } from "chai";
import { run, until } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("pods that the API server refuses", function () {
  this.timeout("10m");
  const stack = withStack("quota", { ...SMALL, backup: undefined, placement: { createNamespace: false } });
  stack.environment.S3_BUCKET = "";

  const limited = (kind: string, spec: Record<string, unknown>) => {
    const object = { apiVersion: "v1", kind, metadata: { name: "tight" }, spec };
    return stack.kubectl(["replace", "--force", "-f", "-"], JSON.stringify(object));
  };
  const quota = (hard: Record<string, string>) => limited("ResourceQuota", { hard });
  const refused = (kind: string) =>
    until(
      `a pod of the ${kind} that is refused`,
      async () => {
        const fields = `--field-selector=reason=FailedCreate,involvedObject.kind=${kind}`;
        return (await stack.kubectl(["get", "events", fields, "-o", "name"])) !== "";
      },
      300,
    );
  /** An update that fails by the first of its jobs, in the time that a person waits. */
  const expectRefusal = async (reason: RegExp) => {
    const begin = Date.now();
    const { code, stdout } = await stack.tryUp();
    expect((Date.now() - begin) / 1000, "seconds").to.be.below(90);
    expect(code, stdout).not.to.equal(0);
    expect(stdout).to.match(reason);
    expect(stdout)
      .to.match(/Job postgres-admission .*failed/)
      .and.not.to.include("Job postgres-check");
  };
  const server = async () => [
    await stack.get("pod/postgres-0", ".metadata.uid"),
    await stack.get("statefulset/postgres", ".metadata.generation"),
  ];

  it("end the update with its reason before a server is made, whichever limit it is", async () => {
    await run("kubectl", ["create", "namespace", stack.namespace]);
    await quota({ "limits.cpu": "400m" }); // a server's 500m don't fit
    await expectRefusal(/FailedCreate: .*exceeded quota: tight, requested: limits.cpu=500m/);
    expect(await stack.kubectl(["get", "statefulset", "-o", "name"])).to.equal("");
  });

  it("of the server are named within seconds, where what it requests is too much; an update that has room then goes on", async () => {
    await quota({ "requests.cpu": "100m" }); // a job's 10m fit, and the server's 500m don't
    const update = stack.tryUp();
    await refused("StatefulSet");
    await stack.kubectl(["delete", "quota", "tight"]);
    const { code, stdout, stderr } = await update;
    expect(code, stdout + stderr).to.equal(0);
    expect(stdout).to.match(
      /StatefulSet postgres creating \(\ds\) warning: FailedCreate: .*exceeded quota: tight/,
    );
    stack.readOutputs();
    expect(await stack.sql("SELECT 1")).to.equal("1");
  });

  it("end an update to more memory than a LimitRange allows while the server that runs is untouched; then the way back heals", async () => {
    const before = await server();
    await limited("LimitRange", { limits: [{ type: "Container", max: { memory: "600Mi" } }] });
    stack.set({ postgres: { memory: "1Gi", cpu: "500m" } });
    await expectRefusal(/FailedCreate: .*maximum memory usage per Container is 600Mi, but limit is 1Gi/);
    expect(await server()).to.deep.equal(before);
    stack.set({ postgres: { memory: "512Mi", cpu: "500m" } });
    await stack.up();
    expect(await server()).to.deep.equal(before);
  });
});
