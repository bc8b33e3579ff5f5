import { writeFileSync } from "node:fs";
import { goldenFile, goldenText, STACKS } from "./golden";

/** `make golden`: writes the resources of every stack anew. Review the diff before you commit it. */
async function main(): Promise<void> {
  for (const stack of STACKS) writeFileSync(goldenFile(stack), await goldenText(stack));
}

void main();
