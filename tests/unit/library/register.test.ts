import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { yaml } from "../settings/runtime";

const root = resolve(__dirname, "../../..");

/** Runs a script as Pulumi runs the program: in its folder, with the options that Pulumi.yaml has for Node.js, and no others. */
function asPulumi(script: string): string {
  const { runtime } = yaml("Pulumi.yaml") as unknown as { runtime: { options: { nodeargs: string } } };
  const args = [...runtime.options.nodeargs.split(" "), "-e", script];
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  return stdout;
}

/** Sets a breakpoint in settings/quantity.ts, calls what it is in, and prints where the program stopped and what a debugger shows. */
const DEBUGGED = `
const { Session } = require("node:inspector");
const session = new Session();
session.connect();
session.post("Debugger.enable");
let map;
session.on("Debugger.scriptParsed", ({ params }) => {
  if (params.url.endsWith("settings/quantity.ts")) map = params.sourceMapURL;
});
session.on("Debugger.paused", ({ params: { callFrames: [{ functionName, location }] } }) => {
  const { sources, mappings } = JSON.parse(Buffer.from(map.split(",")[1], "base64").toString());
  console.log(JSON.stringify({ functionName, line: location.lineNumber, sources, mapped: mappings.length > 100 }));
  session.post("Debugger.resume");
});
const at = { urlRegex: "settings/quantity\\\\.ts$", lineNumber: Number(process.env.LINE) };
session.post("Debugger.setBreakpointByUrl", at);
require("./settings/quantity").bytes("1Gi");
`;

describe("TypeScript on a fresh clone", function () {
  this.timeout(30_000);

  it("is loaded by plain `pulumi up`, without make and without a build", () => {
    const printed = asPulumi('console.log(Object.keys(require("./library.ts")).sort().join())');
    expect(printed).to.equal("PostgresImage,PostgresInstance,settingsFrom\n");
  });

  it("stops at a debugger's breakpoint, on the line where the editor set it", () => {
    const file = resolve(root, "settings/quantity.ts");
    const lines = readFileSync(file, "utf8").split("\n");
    const line = lines.findIndex((it) => it.includes("return Number(floorUnits(quantity(text)));"));
    expect(line).to.be.above(0);
    const printed = asPulumi(DEBUGGED.replace("process.env.LINE", String(line)));
    expect(JSON.parse(printed)).to.deep.equal({ functionName: "bytes", line, sources: [file], mapped: true });
  });
});
