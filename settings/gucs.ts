import table17 from "./gucs/17.json";
import table18 from "./gucs/18.json";
import table19 from "./gucs/19.json";
import type { Major } from "./major";

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

/** All settings of one major. */
export class Gucs {
  readonly names: readonly string[];
  private readonly byName: ReadonlyMap<string, Guc>;

  constructor(table: readonly Guc[]) {
    this.names = table.map(({ name }) => name);
    this.byName = new Map(table.map((guc) => [guc.name.toLowerCase(), guc]));
  }

  /** The setting of that name, in any case, as PostgreSQL looks it up. */
  find(name: string): Guc | undefined {
    return this.byName.get(name.toLowerCase());
  }

  /** An extension's setting may be one that needs a restart; only the extension knows, so it counts as one. */
  needsRestart(name: string): boolean {
    return (this.find(name)?.context ?? "postmaster") === "postmaster";
  }
}

const TABLES: Readonly<Record<Major, Gucs>> = {
  17: new Gucs(table17 as Guc[]),
  18: new Gucs(table18 as Guc[]),
  19: new Gucs(table19 as Guc[]),
};

export const gucsOf = (major: Major): Gucs => TABLES[major];

/** A name that postgresql.conf takes for an extension's, known to a table or not: `pgaudit.log`. */
export function isExtensionSetting(name: string): boolean {
  return /^[a-z_]\w*\.[a-z_]\w*$/i.test(name);
}
