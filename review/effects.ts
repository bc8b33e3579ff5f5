import { DANGEROUS, type Dangerous } from "../settings/review";

/** What a change takes from the protection of the data, from harmless to worst: nobody notices it until it is needed. */
export const PROTECTION = [
  "less is recorded",
  "data in the log",
  "longer recovery",
  "may be interrupted",
  "floating image",
  "the volume may fill",
  "replicas may lose their place",
  "access changes",
  "weaker isolation",
  "weaker encryption",
  "checks are off",
  "opened to the outside",
  "longer between backups",
  "backups begin anew",
  "acknowledged commits may be lost",
  "no longer protected",
  "backups are deleted",
  "backups end",
  "a crash may break the database",
] as const;

/** What a change does to the database, from harmless to worst. */
export const EFFECTS = [
  "nothing",
  "reload",
  "growth",
  "disconnect",
  "restart",
  "new image",
  "password change",
  ...PROTECTION,
  "may not serve",
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
  /** Of an effect that needs leave: this one is said, and needs none. */
  readonly mild?: boolean;
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

/** Whether an effect is one of {@link PROTECTION}. */
export function isProtection({ effect }: Pick<Row, "effect">): boolean {
  return PROTECTION.some((it) => it === effect);
}

/** How bad an effect is, in order. */
export function severity({ effect }: Pick<Row, "effect">): number {
  return EFFECTS.indexOf(effect);
}

/** The effect that the stack's file would have to allow; undefined where it needs no leave. */
export function needsLeave({ effect, data, mild }: Row): Dangerous | undefined {
  if (mild) return undefined;
  const dangerous = DANGEROUS.find((it) => it === effect);
  return dangerous === "unknown" && !data ? undefined : dangerous;
}
