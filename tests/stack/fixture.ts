import { attempt } from "../../local/process";
import { skip } from "../lib/skip";
import { type Config, TestStack } from "./stack";

/** Why the real thing can't run here, or undefined. */
export async function missing(): Promise<string | undefined> {
  const needs: [string, string, string[]][] = [
    ["the Pulumi CLI", "pulumi", ["version"]],
    ["a Docker daemon", "docker", ["info"]],
    [
      "a Kubernetes cluster that kubectl reaches",
      "kubectl",
      ["get", "--raw", "/readyz", "--request-timeout=5s"],
    ],
  ];
  for (const [what, command, args] of needs) {
    const answer = await attempt(command, args).catch(() => undefined);
    if (answer?.code !== 0) return what;
  }
  if (!process.env.S3_BUCKET) return "an object store (S3_ENDPOINT, S3_BUCKET, ...)";
  return undefined;
}

/**
 * Gives the tests of a `describe` one stack, which they share in order. Without a cluster they count as skipped; after a
 * failure the cluster's view of the stack is printed; afterwards nothing of it is left.
 */
export function withStack(name: string, config: Config): TestStack {
  const stack = new TestStack(name, config);
  let created = false;
  before(async function () {
    this.timeout("10m");
    const why = await missing();
    if (why) skip(this, `${why} is missing`);
    created = true;
    await stack.create();
  });
  let failed = false;
  beforeEach(function () {
    if (failed && !stack.outputs.tag) skip(this, "the first update failed, so there is nothing to test");
  });
  afterEach(async function () {
    failed ||= this.currentTest?.state === "failed";
    if (created && this.currentTest?.state === "failed") console.log(await stack.dump());
  });
  after(async function () {
    this.timeout("5m");
    if (created) await stack.discard();
  });
  return stack;
}
