import table from "./gucs/18.json";

/** One setting of PostgreSQL, as `pg_settings` of the major describes it. */
export interface Guc {
  readonly name: string;
  /** When it can change: `postmaster` needs a restart, `internal` can't be set, all others follow a reload. */
  readonly context:
    | "internal"
    | "postmaster"
    | "sighup"
    | "superuser-backend"
    | "backend"
    | "superuser"
    | "user";
  readonly type: "bool" | "integer" | "real" | "string" | "enum";
  /** What a bare number counts: `8kB`, `MB`, `ms`; none for plain numbers. */
  readonly unit?: string;
  /** Limits of integer and real, in `unit`. */
  readonly min?: number;
  readonly max?: number;
  /** What an enum offers. */
  readonly values?: readonly string[];
}

const GUCS: ReadonlyMap<string, Guc> = new Map((table as Guc[]).map((guc) => [guc.name.toLowerCase(), guc]));

/** The setting of that name, in any case, as PostgreSQL looks it up. */
export function findGuc(name: string): Guc | undefined {
  return GUCS.get(name.toLowerCase());
}

/** A name that postgresql.conf takes for an extension's, known to the table or not: `pgaudit.log`. */
export function isExtensionSetting(name: string): boolean {
  return /^[a-z_]\w*\.[a-z_]\w*$/i.test(name);
}

/** An extension's setting may be one that needs a restart; only the extension knows, so it counts as one. */
export function needsRestart(name: string): boolean {
  return (findGuc(name)?.context ?? "postmaster") === "postmaster";
}

export const gucNames: readonly string[] = [...GUCS.values()].map(({ name }) => name);
