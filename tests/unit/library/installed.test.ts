import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";

const root = resolve(__dirname, "../../..");
const SHIPPED = [
  "docker-context",
  "image",
  "k8s",
  "settings",
  "library.js",
  "library.ts",
  "package.json",
  "register.js",
];

describe("the package in another project's node_modules", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-installed-"));
    const modules = join(folder, "node_modules");
    mkdirSync(modules);
    for (const name of readdirSync(join(root, "node_modules"))) {
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    for (const name of SHIPPED) {
      cpSync(join(root, name), join(modules, "postgres-stack", name), { recursive: true });
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is loaded by plain Node.js, though nothing transforms TypeScript below node_modules", () => {
    const program = 'console.log(Object.keys(require("postgres-stack")).sort().join())';
    const env = { ...process.env, NODE_OPTIONS: "" };
    const printed = execFileSync(process.execPath, ["-e", program], { cwd: folder, env });
    expect(printed.toString()).to.equal("PostgresImage,PostgresInstance,settingsFrom\n");
  }).timeout(60_000);
});
