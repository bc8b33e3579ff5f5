import { expect } from "chai";
import { run } from "../../local/process";
import { withStack } from "./fixture";
import { SMALL } from "./stack";

describe("a job of an update that has an accident", function () {
  this.timeout("10m");
  const stack = withStack("faults", SMALL);
  const memory = (settings: Record<string, unknown>) => ({ memory: "512Mi", cpu: "500m", settings });

  /** A pod of it that has not ended and that nobody is deleting, as soon as the API server tells of one: it may live for a second. */
  const begun = async (purpose: string, but = "-"): Promise<string> => {
    const told = '{.metadata.name} {.status.phase} {.metadata.deletionTimestamp}{"\\n"}';
    const watch = `timeout 120 kubectl -n ${stack.namespace} get pod -w -l job-name -o jsonpath='${told}'`;
    const others = `exec 2>/dev/null; ${watch} | grep -v --line-buffered '^${but} '`;
    const first = `grep -m1 -E '^postgres-${purpose}-\\S+ (Pending|Running) $' < <(${others})`;
    return (await run("bash", ["-c", first])).split(" ")[0] as string;
  };
  const kill = (pod: string) => stack.kubectl(["delete", "pod", pod, "--now", "--wait=false"]);
  const evict = (name: string) => {
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace: stack.namespace },
    };
    const path = `/api/v1/namespaces/${stack.namespace}/pods/${name}/eviction`;
    return stack.kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction));
  };

  /** Another name of the image, which the registry does not know yet. */
  const unknownImage = (tag: string) => {
    const ref = `${process.env.REGISTRY}/postgres-stack:${tag}-${stack.namespace}`;
    const push = async () => {
      await run("docker", ["tag", `${process.env.REGISTRY}/postgres-stack:${stack.outputs.tag}`, ref]);
      await run("docker", ["push", ref]);
      await run("docker", ["rmi", ref]);
    };
    stack.set({ image: { ref } });
    return push;
  };

  it("goes on in the same update, where its pod was evicted or its image could not be pulled at first", async () => {
    await stack.up();
    const push = unknownImage("late");
    const update = stack.tryUp();
    const first = await begun("check");
    await evict(first);
    await begun("check", first);
    await push();
    const { code, stdout } = await update;
    expect(code, stdout).to.equal(0);
  });

  for (const deleted of [false, true]) {
    const since = deleted ? ", and somebody has deleted the job since" : "";
    it(`fails the update where its pod is killed; the next one heals it${since}`, async () => {
      stack.set({ postgres: memory({ work_mem: deleted ? "7MB" : "6MB" }) });
      for (const purpose of ["check", "apply"]) {
        const update = stack.tryUp();
        await kill(await begun(purpose));
        const { code, stdout } = await update;
        expect(code, stdout).not.to.equal(0);
        expect(stdout).to.include("BackoffLimitExceeded");
        const failed = "-o=jsonpath={.items[?(@.status.failed==1)].metadata.name}";
        const jobs = (await stack.kubectl(["get", "job", failed])).split(" ");
        expect(jobs.join()).to.include(`postgres-${purpose}-`);
        if (deleted) await stack.kubectl(["delete", "job", ...jobs]);
      }
      await stack.up();
      expect(await stack.sql("SHOW work_mem")).to.equal(deleted ? "7MB" : "6MB");
      const { code, stdout } = await stack.preview(["--expect-no-changes"]);
      expect(code, stdout).to.equal(0);
    });
  }
});
