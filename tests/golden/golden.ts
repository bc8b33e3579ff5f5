import { join } from "node:path";
import { render } from "../unit/render";

/** Stacks whose resources are kept as JSON beside this file and reviewed as a diff. */
export const STACKS = ["dev", "prod"] as const;

export const goldenFile = (stack: (typeof STACKS)[number]): string => join(__dirname, `${stack}.json`);

/** Every resource of a stack with its inputs and options, as text. The image's hash is left out: it is not about resources. */
export async function goldenText(stack: (typeof STACKS)[number]): Promise<string> {
  const { resources, outputs } = await render(stack);
  const text = JSON.stringify({ outputs, resources }, null, 2);
  return `${text.replaceAll(String(outputs.tag), "18-[hash]")}\n`;
}
