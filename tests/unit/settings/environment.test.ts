import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { overlay, parseVariables, variables } from "../../../settings/environment";

const STACK = {
  dataSize: "1Gi",
  backup: { schedule: "15 2 * * *" },
  placement: { namespace: "own", spot: "any" },
};

describe("the environment over a stack's settings", () => {
  it("says where images, backups and the namespace are", () => {
    const all = {
      BASE_IMAGE: "r.io/postgres:18",
      WALG_URL: "http://mirror/wal-g",
      WALG_SHA256: "0".repeat(64),
      REGISTRY: "r.io:5000",
      S3_ENDPOINT: "http://s3:7070",
      S3_BUCKET: "bucket",
      S3_ACCESS_KEY_ID: "id",
      S3_SECRET_ACCESS_KEY: "key",
      NAMESPACE: "team",
    };
    expect(overlay(STACK, all, "project/dev")).to.deep.equal({
      dataSize: "1Gi",
      image: {
        repository: "r.io:5000/postgres-stack",
        baseImage: "r.io/postgres:18",
        walg: { url: "http://mirror/wal-g", sha256: "0".repeat(64) },
      },
      backup: {
        schedule: "15 2 * * *",
        prefix: "s3://bucket/project/dev/team",
        endpoint: "http://s3:7070",
        forcePathStyle: true,
        credentials: { accessKeyId: "id", secretAccessKey: "key" },
      },
      placement: { namespace: "team", spot: "any" },
    });
  });

  it("says which base image each major has", () => {
    const images = { BASE_IMAGE: "r.io/postgres:18", BASE_IMAGE_19: "r.io/postgres:19" };
    const baseOf = (postgres: object) => overlay({ ...STACK, postgres }, images, "p/s").image;
    expect(baseOf({ version: 19 })).to.deep.equal({ baseImage: "r.io/postgres:19" });
    expect(baseOf({ version: 17 })).to.equal(undefined);
    expect(baseOf({ memory: "1Gi" })).to.deep.equal({ baseImage: "r.io/postgres:18" });
  });

  it("archives below the stack's own namespace where the environment names none", () => {
    expect(overlay(STACK, { S3_BUCKET: "b" }, "p/s").backup).to.include({ prefix: "s3://b/p/s/own" });
  });

  it("without a bucket means no backups", () => {
    expect(overlay(STACK, { S3_ENDPOINT: "http://s3" }, "p/s")).not.to.have.property("backup");
  });

  it("leaves a stack its own bucket", () => {
    const stack = { ...STACK, backup: { prefix: "s3://own/path", schedule: "15 2 * * *" } };
    expect(overlay(stack, { NAMESPACE: "team" }, "p/s").backup).to.deep.equal(stack.backup);
  });

  it("builds nothing where the stack names an image", () => {
    const stack = { ...STACK, image: { ref: "r.io/postgres:18" } };
    const variables = { REGISTRY: "r.io:5000", BASE_IMAGE: "x", WALG_URL: "y", WALG_SHA256: "z" };
    expect(overlay(stack, variables, "p/s").image).to.deep.equal(stack.image);
  });

  it("leaves the stack's own settings as they were", () => {
    const before = structuredClone(STACK);
    overlay(STACK, { NAMESPACE: "team", S3_BUCKET: "b" }, "p/s");
    expect(STACK).to.deep.equal(before);
  });

  it("takes an empty variable for one that is not set", () => {
    expect(overlay(STACK, { NAMESPACE: "", S3_BUCKET: "" }, "p/s").placement).to.deep.equal(STACK.placement);
  });
});

describe("local.env", () => {
  it("is read as a shell reads it", () => {
    const text =
      "# where things are\n\nexport A=1\nB='two words # kept'\nC=\"x=y\"\r\nD=plain # comment\n  E = no\n".replace(
        "  E = no\n",
        "E=\n",
      );
    expect(parseVariables(text)).to.deep.equal({
      A: "1",
      B: "two words # kept",
      C: "x=y",
      D: "plain",
      E: "",
    });
  });

  it("names the line that it can't read, and not what it says", () => {
    expect(() => parseVariables("A=1\nhunter2\n"))
      .to.throw(/line 2: expected NAME=value/)
      .and.not.match(/hunter2/);
  });

  it("gives way to the environment, unless that is empty", () => {
    const folder = mkdtempSync(join(tmpdir(), "local-env-"));
    try {
      writeFileSync(join(folder, "local.env"), "A=file\nB=file\n");
      const read = variables(join(folder, "local.env"), { A: "environment", B: "" });
      expect(read).to.deep.equal({ A: "environment", B: "file" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("may be missing", () => expect(variables("/nowhere/local.env", { A: "1" })).to.deep.equal({ A: "1" }));
});
