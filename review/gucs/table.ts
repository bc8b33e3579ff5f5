import type { Effect } from "../effects";
import type { Less } from "./compare";

/** What a setting protects. */
export interface Protection {
  readonly effect: Effect;
  /** The value if the stack sets none: the image's, otherwise PostgreSQL's. */
  readonly usual: string;
  /** Whether it protects less after an update. */
  readonly less: Less;
  /** The consequence, in words. */
  readonly why: string;
  /** Only reported; needs no leave. */
  readonly mild?: true;
}

export type Table = Readonly<Record<string, Protection | readonly Protection[]>>;
