import type { Tree } from "../../settings/stack";
import type { Change } from "../changes";

/** A change that takes from the protection of the data. */
export interface LessProtection extends Change {
  /** What an on-call engineer would want to read beside the effect. */
  readonly says: RegExp;
  /** It is said, and needs nobody's leave. */
  readonly mild?: true;
  /** The way back is a change of its own that says something too: no more protection, only other. */
  readonly both?: true;
}

export const settings = (values: Tree): Tree => ({ postgres: { settings: values } });

/** A setting of PostgreSQL that the stack leaves out, and then has; or the other way round. */
export const guc = (
  name: string,
  value: unknown,
  effect: Change["rows"][number][0],
  says: RegExp,
  more: Partial<LessProtection> = {},
): LessProtection => ({
  what: `${name} ${value}`,
  config: settings({ [name]: value }),
  rows: [
    [
      effect,
      new RegExp(
        `ConfigMap postgres-conf .*\`${name}\`: .* → \`${value === false ? "off" : value === true ? "on" : value}\``,
      ),
    ],
  ],
  says,
  ...more,
});

export const mild = { mild: true } as const;
export const said = { ...mild, both: true } as const;
