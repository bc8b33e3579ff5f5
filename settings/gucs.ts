import table17 from "./gucs/17.json";
import table18 from "./gucs/18.json";
import table19 from "./gucs/19.json";
import type { Major } from "./major";

/** One PostgreSQL setting, as the major's `pg_settings` describes it. */
export interface Guc {
  readonly name: string;
  /** When it can change: `postmaster` needs a restart, `internal` can't be set, all others need a reload. */
  readonly context:
    | "internal"
    | "postmaster"
    | "sighup"
    | "superuser-backend"
    | "backend"
    | "superuser"
    | "user";
  readonly type: "bool" | "integer" | "real" | "string" | "enum";
  /** Unit of a bare number, such as `8kB`, `MB` or `ms`; undefined for plain numbers. */
  readonly unit?: string;
  /** Limits of an integer or real, in `unit`. */
  readonly min?: number;
  readonly max?: number;
  /** Values of an enum. */
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

  /** Finds a setting by name; like PostgreSQL, ignores case. */
  find(name: string): Guc | undefined {
    return this.byName.get(name.toLowerCase());
  }

  /** Whether a change needs a restart. Only the extension knows that about its own setting, so this assumes it does. */
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

/** Whether postgresql.conf treats a name as an extension's, even one that no table lists: `pgaudit.log`. */
export function isExtensionSetting(name: string): boolean {
  return /^[a-z_]\w*\.[a-z_]\w*$/i.test(name);
}
