// In place of the Pulumi CLI's preview and up: a state in a folder, for the program in the current one, which is rendered in process. No engine, no
// provider: an update makes the state what the program says. Told by environment variables:
//   STANDIN_STATE   folder of the states; a file `fail` there lets the next update end half way
const { fork } = require("node:child_process");
const { createHash } = require("node:crypto");
const { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { isDeepStrictEqual } = require("node:util");

const words = process.argv.slice(2);
const option = (name) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const folder = process.env.STANDIN_STATE;
const stack = option("--stack");
const file = join(folder, `${stack}.json`);
const state = JSON.parse(readFileSync(file, "utf8"));
const save = () => writeFileSync(file, JSON.stringify(state));
const fail = (message) => {
  console.error(`error: ${message}`);
  process.exit(1);
};

/** Once for each content of the stack's file: no test has two versions of the program. */
async function render() {
  const name = createHash("sha256").update(readFileSync(`Pulumi.${stack}.yaml`)).digest("hex");
  const cache = join(folder, `${stack}-${name}`);
  if (!existsSync(cache)) writeFileSync(cache, JSON.stringify(await renderAnew()));
  return JSON.parse(readFileSync(cache, "utf8"));
}

function renderAnew() {
  return new Promise((resolve, reject) => {
    const child = fork("review/child.ts", {
      execArgv: ["--require", "./register.js"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.once("message", ([answer]) => (answer.error ? reject(new Error(answer.error)) : resolve(answer.rendered)));
    child.send({ stacks: [stack], key: "the same for all" });
  });
}

const stateOf = (resource) =>
  resource && {
    custom: !resource.component,
    parent: resource.options.parent && `urn:pulumi:${stack}::postgres-stack::${resource.options.parent}`,
    inputs: resource.inputs,
    protect: resource.options.protect,
    retainOnDelete: resource.options.retainOnDelete,
  };

/** What `pulumi preview --json` would say of an update to these resources. */
function previewTo(resources) {
  const old = new Map(state.resources.map((it) => [it.urn, it]));
  const steps = resources
    .filter((it) => !isDeepStrictEqual(old.get(it.urn), it))
    .map((it) => ({ op: old.has(it.urn) ? "update" : "create", urn: it.urn, oldState: stateOf(old.get(it.urn)), newState: stateOf(it) }));
  for (const { urn } of resources) old.delete(urn);
  for (const it of old.values()) steps.push({ op: "delete", urn: it.urn, oldState: stateOf(it) });
  const { config } = JSON.parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8"));
  const texts = Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  return JSON.stringify({ config: Object.fromEntries(texts), steps, diagnostics: [] });
}

const COMMANDS = {
  preview: async () => console.log(previewTo((await render()).resources)),
  up: async () => {
    const { resources } = await render();
    const halfWay = existsSync(join(folder, "fail"));
    // as the engine goes: the server comes late
    const early = (it) => !/StatefulSet|Job/.test(it.type);
    const after = halfWay ? [...resources.filter(early), ...state.resources.filter((it) => !early(it))] : resources;
    appendFileSync(join(folder, "applied"), `${JSON.stringify({ stack, preview: previewTo(after) })}\n`);
    state.resources = after;
    save();
    rmSync(join(folder, "fail"), { force: true });
    if (halfWay) fail("update failed");
  },
};

Promise.resolve((COMMANDS[words[0]] ?? (() => fail(`unknown: ${words.join(" ")}`)))()).then(
  () => process.exit(0),
  ({ message }) => fail(message),
);
