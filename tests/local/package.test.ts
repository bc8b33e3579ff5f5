import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect } from "chai";
import { contextHash } from "../../image/context-hash";
import { attempt, run } from "../../local/process";
import manifest from "../../package.json";
import { fileOf } from "../unit/review/recorded";
import { undocumented } from "./documented";

const root = resolve(__dirname, "../..");
const DIGEST = `sha256:${"d".repeat(64)}`;
const POD = /kubernetes:(apps\/v1:StatefulSet|batch\/v1:Job)::/;

/** The `tsconfig.json` files of consumers: Pulumi's template, which checks libraries too, and what newer projects have. */
const CONSUMERS = [
  {
    name: "Pulumi's classic template",
    type: "commonjs",
    options: {
      strict: true,
      target: "es2020",
      module: "commonjs",
      moduleResolution: "node",
      ignoreDeprecations: "6.0", // of TypeScript 6, which warns of this resolution
      sourceMap: true,
      experimentalDecorators: true,
      noFallthroughCasesInSwitch: true,
      noImplicitReturns: true,
    },
  },
  {
    name: "a CommonJS program with nodenext",
    type: "commonjs",
    options: { strict: true, module: "nodenext", skipLibCheck: true },
  },
  {
    name: "an ES module with nodenext",
    type: "module",
    options: { strict: true, module: "nodenext", skipLibCheck: true },
  },
  {
    name: "an ES module with a bundler's resolution",
    type: "module",
    options: {
      strict: true,
      target: "es2022",
      lib: ["es2022"],
      module: "esnext",
      moduleResolution: "bundler",
      skipLibCheck: false,
    },
  },
] as const;

/** tsc finds an error in each, or else in what says that it does. */
const MISTAKES = `
const mistakes = () => {
  const image = { ref: "r.example.com/x:18" };
  // @ts-expect-error no such key
  settingsFrom("a", { dataSize: "1Gi", image, backups: {} });
  // @ts-expect-error not that type
  settingsFrom("a", { dataSize: true, image });
  // @ts-expect-error not among the platforms
  settingsFrom("a", { dataSize: "1Gi", image: { repository: "r.example.com/x", platform: "linux/386" } });
};
`;

/** The examples of a page in one language, in their order. */
function examples(language: string): string[] {
  const page = readFileSync(join(root, "docs/library.md"), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(
    ([, code]) => code ?? "",
  );
}

describe("the package that npm packs, installed in another project", function () {
  this.timeout("3m");
  const folder = mkdtempSync(join(tmpdir(), "postgres-stack-package-"));
  const modules = join(folder, "node_modules");
  const installed = join(modules, "postgres-stack");

  let compiled: string;

  before(() => {
    const npm = (...args: string[]) =>
      execFileSync("npm", args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    npm("pack", "--pack-destination", folder);
    mkdirSync(installed, { recursive: true });
    const tarball = join(folder, `postgres-stack-${manifest.version}.tgz`);
    execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
    for (const name of [...Object.keys(manifest.dependencies), "@types/node"]) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    copyFileSync(join(__dirname, "under-mocks.mjs"), join(folder, "under-mocks.mjs"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A project beside the package with these programs. */
  function project(type: string, programs: Record<string, string>, options: object = {}): string {
    const own = mkdtempSync(join(folder, "consumer-"));
    const compilerOptions = { outDir: "bin", pretty: false, types: ["node"], ...options };
    const files = {
      "package.json": JSON.stringify({ type }),
      "tsconfig.json": JSON.stringify({ compilerOptions, files: Object.keys(programs) }),
      ...programs,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(own, name), text);
    return own;
  }

  const compile = (own: string) => attempt(join(root, "node_modules/.bin/tsc"), ["-p", "."], { cwd: own });

  /** Runs a program under the SDK's mocks, which give back what they were given. */
  async function underMocks(own: string, file: string, env: Record<string, string> = {}) {
    const args = [join(folder, "under-mocks.mjs"), join(own, file)];
    const { code, stdout, stderr } = await attempt(process.execPath, args, {
      cwd: own,
      env: { ...env, NODE_OPTIONS: "" },
    });
    const lines = stdout.trim().split("\n");
    const registered: string[] = existsSync(join(own, "registered"))
      ? readFileSync(join(own, "registered"), "utf8").trim().split("\n")
      : [];
    return { code, stderr, outputs: JSON.parse(lines.at(-1) || "{}"), registered };
  }

  function expectDatabase({ code, stderr, outputs, registered }: Awaited<ReturnType<typeof underMocks>>) {
    expect(code, stderr).to.equal(0);
    expect(outputs.host).to.equal("orders.app-dev-orders.svc");
    expect(registered).to.include.members([
      "postgres-stack:image:PostgresImage::postgres",
      "docker:index/image:Image::postgres",
      "kubernetes:core/v1:PersistentVolumeClaim::orders-data",
      "kubernetes:apps/v1:StatefulSet::orders",
    ]);
  }

  for (const { name, type, options } of CONSUMERS) {
    it(`the docs' examples compile and run in ${name}`, async () => {
      const [example = "", signed = ""] = examples("ts");
      const own = project(type, { "index.ts": example + MISTAKES, "signed.ts": signed }, options);
      const { code, stdout } = await compile(own);
      expect(code, stdout).to.equal(0);
      expectDatabase(await underMocks(own, "bin/index.js"));
      compiled = own;
    });
  }

  it("the docs' example in JavaScript runs without a compiler", async () => {
    const [example = ""] = examples("js");
    expectDatabase(await underMocks(project("commonjs", { "index.js": example }), "index.js"));
  });

  it("every export, argument, output and setting is documented where an editor looks", () => {
    const { missing, seen } = undocumented(join(installed, "dist/library.d.ts"));
    expect(missing).to.deep.equal([]);
    expect(seen).to.include.members([
      "DatabaseInput.backup.encryption.pgpKey",
      "PostgresImage.reference",
      "PostgresInstanceArgs.cluster.context",
      "Settings.volume.claimSize",
    ]);
  });

  it("builds the image that the repository builds: the same files, with the same modes", () => {
    const [ours, theirs] = [root, installed].map((it) => contextHash(join(it, "docker-context"), {}));
    expect(theirs).to.equal(ours);
  });

  it("brings the review along, and what it judges by", async () => {
    const recorded = fileOf("a label");
    const review = await attempt(join(installed, "local/review"), ["--preview", recorded, "--stack", "dev"], {
      cwd: folder,
    });
    expect(review.code, review.stderr).to.equal(0);
    const policies = 'require("./register"); console.log(require("./review/policies/policies.ts"))';
    expect(await run(process.execPath, ["-e", policies], { cwd: installed })).to.include("claim");
  });

  describe("with the docs' signature between push and pods", () => {
    /** Runs it with a stand-in for cosign. */
    function sign(script: string) {
      const bin = mkdtempSync(join(compiled, "bin-"));
      rmSync(join(compiled, "registered"), { force: true });
      const log = `echo "cosign $*" >>"${join(compiled, "registered")}"`;
      writeFileSync(join(bin, "cosign"), `#!/bin/sh\n${log}\n${script}\n`);
      chmodSync(join(bin, "cosign"), 0o755);
      return underMocks(compiled, "bin/signed.js", { DIGEST, PATH: `${bin}:${process.env.PATH}` });
    }
    const reference = `registry.example.com/data/postgres-stack@${DIGEST}`;

    it("the digest that was pushed is signed before any pod has it", async () => {
      const { code, stderr, registered } = await sign('test "$1" = sign');
      expect(code, stderr).to.equal(0);
      const calls = registered.filter((it) => it.startsWith("cosign ") || POD.test(it));
      expect(calls.slice(0, 2)).to.deep.equal([
        `cosign verify --key cosign.pub ${reference}`,
        `cosign sign --yes --key awskms:///alias/images ${reference}`,
      ]);
      expect(calls.filter((it) => it.includes("StatefulSet"))).to.have.length(1);
    });

    it("what is signed already is not signed again", async () => {
      const { registered } = await sign("true");
      expect(registered.filter((it) => it.startsWith("cosign "))).to.have.length(1);
      expect(registered.filter((it) => POD.test(it))).to.have.length.above(1);
    });

    it("a signature that fails ends the update, and no pod is made", async () => {
      const { code, registered } = await sign("false");
      expect(code).not.to.equal(0);
      expect(registered.filter((it) => POD.test(it))).to.deep.equal([]);
    });
  });
});
