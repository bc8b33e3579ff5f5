import { expect } from "chai";
import { problemsOf, type Tree } from "./stack";

/** What is wrong, how a stack says it, and the whole of what is reported: one mistake is one line. */
export type Wrong = readonly [what: string, overlay: Tree, problem: RegExp];
export type Right = readonly [what: string, overlay: Tree];

export function mayNotSay(cases: readonly Wrong[]): void {
  for (const [what, overlay, problem] of cases) {
    it(`may not say: ${what}`, () => {
      const problems = problemsOf(overlay);
      expect(problems, problems.join("\n")).to.have.length(1);
      expect(problems[0]).to.match(problem);
    });
  }
}

export function maySay(cases: readonly Right[]): void {
  for (const [what, overlay] of cases) {
    it(`may say: ${what}`, () => expect(problemsOf(overlay)).to.deep.equal([]));
  }
}

export const settings = (values: Tree): Tree => ({ postgres: { settings: values } });
