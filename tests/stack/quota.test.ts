import { expect } from "chai";
import { run, until } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("pods that the API server refuses", function () {
  this.timeout("10m");
  const stack = withStack("quota", { ...SMALL, backup: undefined, placement: { createNamespace: false } });
  stack.environment.S3_BUCKET = "";

  const quota = (hard: Record<string, string>) => {
    const object = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "tight" }, spec: { hard } };
    return stack.kubectl(["replace", "--force", "-f", "-"], JSON.stringify(object));
  };
  const refused = (kind: string) =>
    until(
      `a pod of the ${kind} that is refused`,
      async () => {
        const fields = `--field-selector=reason=FailedCreate,involvedObject.kind=${kind}`;
        return (await stack.kubectl(["get", "events", fields, "-o", "name"])) !== "";
      },
      300,
    );

  it("are named within seconds with its reason; an update that has room then goes on", async () => {
    await run("kubectl", ["create", "namespace", stack.namespace]);
    await quota({ pods: "0" });
    const update = stack.tryUp();
    await refused("Job");
    await quota({ "requests.cpu": "100m" }); // a job's 10m fit, and the server's 500m don't
    await refused("StatefulSet");
    await stack.kubectl(["delete", "quota", "tight"]);
    const { code, stdout, stderr } = await update;
    expect(code, stdout + stderr).to.equal(0);
    const said = (what: string) =>
      new RegExp(`${what} creating \\(\\ds\\) warning: FailedCreate: .*exceeded quota: tight`);
    expect(stdout).to.match(said("Job postgres-check")).and.to.match(said("StatefulSet postgres"));
    stack.readOutputs();
    expect(await stack.sql("SELECT 1")).to.equal("1");
  });
});
