import { expect } from "chai";
import { takeOver } from "../../../local/interrupted";

const urn = (type: string, name: string) => `urn:pulumi:prod::postgres-stack::${type}::${name}`;
const resource = (type: string, name: string, metadata?: object) => ({
  urn: urn(type, name),
  type,
  ...(metadata && { inputs: { metadata } }),
});
const SERVER = resource("kubernetes:apps/v1:StatefulSet", "postgres", {
  name: "postgres",
  namespace: "here",
});
const NAMESPACE = resource("kubernetes:core/v1:Namespace", "postgres-namespace", { name: "here" });
const PASSWORD = resource("random:index/randomPassword:RandomPassword", "password");
const CLAIM = resource("kubernetes:core/v1:PersistentVolumeClaim", "data", {
  name: "data",
  namespace: "here",
});

const taken = (resources: object[], ...pending: [string, object][]) => {
  const operations = pending.map(([type, resource]) => ({ type, resource }));
  const state = { version: 3, deployment: { manifest: {}, resources, pending_operations: operations } };
  return takeOver(state as never);
};

describe("a state of an update that was cut off", () => {
  it("has what was being created in Kubernetes as if it were there, behind all that it needs", () => {
    const { state } = taken([CLAIM], ["creating", NAMESPACE], ["creating", SERVER]);
    expect(state.deployment.resources).to.deep.equal([
      CLAIM,
      { ...NAMESPACE, id: "here", outputs: NAMESPACE.inputs },
      { ...SERVER, id: "here/postgres", outputs: SERVER.inputs },
    ]);
  });

  it("has nothing pending, and all else as it was", () => {
    const { state } = taken([CLAIM], ["updating", CLAIM], ["deleting", CLAIM]);
    expect(state).to.deep.equal({ version: 3, deployment: { manifest: {}, resources: [CLAIM] } });
  });

  it("leaves out what has no name yet, and what is recreated without harm", () => {
    const unnamed = resource("kubernetes:batch/v1:Job", "check", {});
    const { state, interrupted } = taken([], ["creating", PASSWORD], ["creating", unnamed]);
    expect(state.deployment.resources).to.deep.equal([]);
    expect(interrupted).to.have.length(2);
  });

  it("takes nothing over twice: a replacement has the name of what it replaces", () => {
    expect(taken([SERVER], ["creating", SERVER]).state.deployment.resources).to.deep.equal([SERVER]);
  });

  it("says what was interrupted", () => {
    expect(taken([], ["creating", SERVER]).interrupted).to.deep.equal([
      "creating kubernetes:apps/v1:StatefulSet postgres",
    ]);
    expect(taken([CLAIM]).interrupted).to.deep.equal([]);
  });
});
