import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { contextHash, normaliseModes } from "../../../image/context-hash";

describe("the hash of a build context", () => {
  const inputs = { BASE_IMAGE: "postgres:18", platform: "linux/amd64" };
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "context-"));
    mkdirSync(join(folder, "scripts"));
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
    writeFileSync(join(folder, "scripts", "run.sh"), "#!/bin/bash\n# says hello\n", { mode: 0o755 });
    writeFileSync(join(folder, "scripts", "data.txt"), "data\n", { mode: 0o644 });
    symlinkSync("run.sh", join(folder, "scripts", "link"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const changedBy = (change: () => void): boolean => {
    const before = contextHash(folder, inputs);
    change();
    return contextHash(folder, inputs) !== before;
  };

  it("is the same for a copy in another folder, with another umask, owner and clock", () => {
    const copy = mkdtempSync(join(tmpdir(), "another context-"));
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(join(copy, "scripts", "run.sh"), 0o700);
    chmodSync(join(copy, "scripts", "data.txt"), 0o600);
    utimesSync(join(copy, "Dockerfile"), 0, 0);
    expect(contextHash(copy, inputs)).to.equal(contextHash(folder, inputs));
    rmSync(copy, { recursive: true });
  });

  it("does not depend on the working directory", () => {
    const before = contextHash(folder, inputs);
    const cwd = process.cwd();
    process.chdir(tmpdir());
    try {
      expect(contextHash(folder, inputs)).to.equal(before);
    } finally {
      process.chdir(cwd);
    }
  });

  it("changes with a comment in a script", () => {
    expect(
      changedBy(() => writeFileSync(join(folder, "scripts", "run.sh"), "#!/bin/bash\n# says hi\n")),
    ).to.equal(true);
  });

  it("changes with the exec bit", () => {
    expect(changedBy(() => chmodSync(join(folder, "scripts", "data.txt"), 0o755))).to.equal(true);
  });

  it("changes when a file is renamed, added, or becomes a link to the same content", () => {
    expect(changedBy(() => cpSync(join(folder, "Dockerfile"), join(folder, "Dockerfile2")))).to.equal(true);
    expect(
      changedBy(() => {
        rmSync(join(folder, "Dockerfile2"));
        symlinkSync("Dockerfile", join(folder, "Dockerfile2"));
      }),
    ).to.equal(true);
    expect(
      changedBy(() => {
        rmSync(join(folder, "Dockerfile2"));
        symlinkSync("Dockerfile", join(folder, "Dockerfile3"));
      }),
    ).to.equal(true);
  });

  it("changes with a build argument and with the platform", () => {
    const base = contextHash(folder, inputs);
    expect(contextHash(folder, { ...inputs, BASE_IMAGE: "postgres:18.5" })).not.to.equal(base);
    expect(contextHash(folder, { ...inputs, platform: "linux/arm64" })).not.to.equal(base);
  });

  it("does not depend on the order in which the inputs are given", () => {
    expect(contextHash(folder, { platform: "linux/amd64", BASE_IMAGE: "postgres:18" })).to.equal(
      contextHash(folder, inputs),
    );
  });

  it("keeps apart where one file ends and the next begins", () => {
    writeFileSync(join(folder, "a"), "1");
    writeFileSync(join(folder, "b"), "2");
    expect(
      changedBy(() => {
        writeFileSync(join(folder, "a"), "");
        writeFileSync(join(folder, "b"), "12");
      }),
    ).to.equal(true);
  });

  it("leaves out what .dockerignore names, and honours its exceptions", () => {
    writeFileSync(join(folder, ".dockerignore"), "*.md\n!kept.md\n.dockerignore\n");
    expect(changedBy(() => writeFileSync(join(folder, "notes.md"), "notes"))).to.equal(false);
    expect(changedBy(() => writeFileSync(join(folder, "kept.md"), "kept"))).to.equal(true);
  });

  it("counts the Dockerfile even when .dockerignore names it", () => {
    writeFileSync(join(folder, ".dockerignore"), "Dockerfile\n");
    expect(changedBy(() => writeFileSync(join(folder, "Dockerfile"), "FROM debian\n"))).to.equal(true);
  });

  it("is unchanged by setting the modes that it counts", () => {
    chmodSync(join(folder, "scripts", "run.sh"), 0o700);
    chmodSync(join(folder, "scripts", "data.txt"), 0o600);
    chmodSync(join(folder, "scripts"), 0o700);
    expect(changedBy(() => normaliseModes(folder))).to.equal(false);
    expect(statSync(join(folder, "scripts")).mode & 0o777).to.equal(0o755);
    expect(statSync(join(folder, "scripts", "run.sh")).mode & 0o777).to.equal(0o755);
    expect(statSync(join(folder, "scripts", "data.txt")).mode & 0o777).to.equal(0o644);
  });
});
