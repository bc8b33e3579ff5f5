import { DANGEROUS, type Dangerous } from "../settings/review";

/** What a change does to the database, from harmless to worst. */
export const EFFECTS = [
  "nothing",
  "reload",
  "growth",
  "disconnect",
  "restart",
  "new image",
  "password change",
  "refused",
  "restore",
  "major upgrade",
  "unknown",
  "REPLACES THE DATABASE",
  "DELETES DATA",
] as const;

export type Effect = (typeof EFFECTS)[number];

/** One line of the table. */
export interface Row {
  readonly resource: string;
  /** In words; values of secrets are never part of it. */
  readonly change: string;
  readonly effect: Effect;
  readonly why: string;
  /** Of a restart: how long the database does not answer, where that is known. */
  readonly seconds?: number;
  /** Of an unknown effect: whether data may be lost by it. Every other effect is dangerous or not by itself. */
  readonly data?: boolean;
}

/**
 * Seconds without an answer when the pod is replaced, measured on the platform of docs/performance.md. Not in it: the pull
 * of an image that the node lacks, and a stop under load, which may take up to the pod's grace period.
 */
export const RESTART_SECONDS = 3;

/** The effect as the table shows it. */
export function label({ effect, seconds }: Row): string {
  if (seconds === undefined) return effect;
  const restart = `restart ~${seconds} s`;
  return effect === "restart" ? restart : `${effect} (${restart})`;
}

/** How bad an effect is, in order. */
export function severity({ effect }: Pick<Row, "effect">): number {
  return EFFECTS.indexOf(effect);
}

/** The effect that the stack's file would have to allow; undefined where it needs no leave. */
export function needsLeave({ effect, data }: Row): Dangerous | undefined {
  const dangerous = DANGEROUS.find((it) => it === effect);
  return dangerous === "unknown" && !data ? undefined : dangerous;
}
