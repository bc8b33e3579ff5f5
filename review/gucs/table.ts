import type { Effect } from "../effects";
import type { Less } from "./compare";

/** What a setting protects. */
export interface Protection {
  readonly effect: Effect;
  /** What counts where the stack says nothing: the image's value, else PostgreSQL's. */
  readonly usual: string;
  /** Whether it protects less after an update. */
  readonly less: Less;
  /** What then is the case. */
  readonly why: string;
  /** It is said, and needs no leave. */
  readonly mild?: true;
}

export type Table = Readonly<Record<string, Protection | readonly Protection[]>>;
