// Runs another project's program under the SDK's mocks: node under-mocks.mjs PROGRAM. Lists what is registered in the file `registered`,
// and prints the program's outputs.
import { appendFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import * as pulumi from "@pulumi/pulumi";

const { DIGEST } = process.env;

function newResource({ type, name, inputs }) {
  appendFileSync("registered", `${type}::${name}\n`);
  const pushed = type === "docker:index/image:Image" && DIGEST;
  const state = pushed ? { ...inputs, repoDigest: `${inputs.imageName.replace(/:[^:/]*$/, "")}@${DIGEST}` } : inputs;
  return { id: `${name}-id`, state };
}

await pulumi.runtime.setMocks({ call: () => ({}), newResource }, "app", "dev", false);
pulumi.runtime.setAllConfig({ "kubernetes:enableConfigMapMutable": "true", "kubernetes:enableSecretMutable": "true" });
const outputs = {};
for (const [name, output] of Object.entries(await import(pathToFileURL(process.argv[2]).href))) {
  if (pulumi.Output.isInstance(output)) output.apply((value) => { outputs[name] = value; });
}
process.on("exit", () => console.log(JSON.stringify(outputs)));
