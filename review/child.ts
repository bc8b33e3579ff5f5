/** Renders stacks of the program version that contains this file; versions.ts starts it in a separate process. */
import { createHmac } from "node:crypto";
import { renderStack } from "../render/mocks";
import type { Rendered } from "../render/record";

export interface Order {
  readonly stacks: readonly string[];
  /** Hides secrets but keeps them comparable: both versions get the same random key. */
  readonly key: string;
}

export interface Answer {
  readonly stack: string;
  readonly rendered?: Rendered;
  /** The error that ended the program, for example the list of wrong settings. */
  readonly error?: string;
}

async function render({ stacks, key }: Order): Promise<Answer[]> {
  const secrets = (plain: unknown) =>
    `[secret ${createHmac("sha256", key).update(String(plain)).digest("hex").slice(0, 12)}]`;
  const answers: Answer[] = [];
  for (const stack of stacks) {
    const answer = await renderStack(stack, { secrets }).then(
      (rendered) => ({ stack, rendered }),
      (error: unknown) => ({ stack, error: error instanceof Error ? error.message : String(error) }),
    );
    answers.push(answer);
  }
  return answers;
}

process.once("message", async (order: Order) => {
  const answers = await render(order);
  process.send?.(answers, () => process.exit(0)); // the program may have left timers or sockets open
});
