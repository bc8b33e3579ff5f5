import { DANGEROUS, type Dangerous } from "../settings/review";

/** Losses of protection for the data, from harmless to worst: nobody notices them until the protection is needed. */
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

/** The effects of a change on the database, from harmless to worst. */
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
  /** Plain words; never the value of a secret. */
  readonly change: string;
  readonly effect: Effect;
  readonly why: string;
  /** For a restart: seconds without an answer from the database, if known. */
  readonly seconds?: number;
  /** For an unknown effect: whether it may lose data. For every other effect the kind alone decides. */
  readonly data?: boolean;
  /** An effect that usually needs leave, but is only reported here. */
  readonly mild?: boolean;
}

/**
 * Seconds without an answer when the pod is replaced, measured on the platform of docs/performance.md. Excludes the pull of an
 * image that the node lacks, and a stop under load, which may take up to the pod's grace period.
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

/** The rank of an effect by severity. */
export function severity({ effect }: Pick<Row, "effect">): number {
  return EFFECTS.indexOf(effect);
}

/** The effect that the stack's file must allow; undefined if it needs no leave. */
export function needsLeave({ effect, data, mild }: Row): Dangerous | undefined {
  if (mild) return undefined;
  const dangerous = DANGEROUS.find((it) => it === effect);
  return dangerous === "unknown" && !data ? undefined : dangerous;
}
