/** `make rehearse-upgrade`. Arguments: stack, major, optionally an image of that major (default: build one). */
import { randomBytes } from "node:crypto";
import { fail } from "../local/fail";
import { run } from "../local/process";
import { isMajor } from "../settings/major";
import { build, buildOf } from "./image";
import { type Claim, hasArchive, majorOf, rehearsalJob, type Server } from "./job";
import { carryOut, kubectl } from "./run";

async function main([stack = "", version = "", image = ""]: readonly string[]): Promise<void> {
  const to = Number(version);
  const { name, namespace } = await whereItRuns(stack);
  const get = async (object: string) =>
    JSON.parse(await kubectl(namespace, ["get", object, "--output", "json"])) as unknown;
  const server = (await get(`statefulset/${name}`)) as Server;
  const claim = (await get(`pvc/${name}-data`)) as Claim;
  const from = majorOf(server);
  if (!isMajor(to) || to <= from)
    throw new Error(`${stack} runs PostgreSQL ${from}, and TO is '${version}'; nothing was started`);
  if (!hasArchive(server)) throw new Error(`${stack} has no backups to clone; nothing was started`);

  const next = image || build(await buildOf(stack, to));
  const id = randomBytes(3).toString("hex");
  console.error(`${stack}: PostgreSQL ${from} -> ${to} with ${next}, on a clone of its backup`);
  process.exitCode = await carryOut(rehearsalJob(server, claim, { id, to, image: next }));
}

/** Reads the stack's outputs; the Service has the instance's name. */
async function whereItRuns(stack: string): Promise<{ name: string; namespace: string }> {
  const outputs = JSON.parse(await run("pulumi", ["stack", "output", "--json", "--stack", stack])) as {
    host?: string;
  };
  const [name, namespace] = outputs.host?.split(".") ?? [];
  if (!name || !namespace)
    throw new Error(`${stack} has no output \`host\`: it does not run; nothing was started`);
  return { name, namespace };
}

main(process.argv.slice(2)).catch(fail);
