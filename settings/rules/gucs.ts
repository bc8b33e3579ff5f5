import { gucBoolean, gucProblem } from "../guc-values";
import { type Gucs, gucsOf, isExtensionSetting } from "../gucs";
import { nearest } from "../nearest";
import { whyOwned } from "../owned";
import type { StackConfig } from "../schema";
import type { Problem, Rule } from "./rule";

const SETTINGS = "postgres.settings";

/** Turned off, a crash can corrupt the database: acceptable only for disposable data. */
const DURABILITY = ["fsync", "full_page_writes"];

/** Turned on, they ignore or worsen damage: acceptable only for disposable data. A superuser can still set some in a session. */
const DAMAGE = ["data_sync_retry", "ignore_checksum_failure", "ignore_invalid_pages", "zero_damaged_pages"];

/** Rules for each PostgreSQL setting alone: its name and its value. */
export const gucRules: readonly Rule[] = [
  {
    needs: ["postgres.version"],
    check: (config) => eachSetting(config, problemIn(gucsOf(config.postgres.version))),
  },
  { needs: [], check: (config) => eachSetting(config, writtenTwice) },
  {
    needs: ["disposable"],
    check: (config) =>
      eachSetting(config, (name, value) =>
        DURABILITY.includes(name.toLowerCase()) && gucBoolean(value) === false && !config.disposable
          ? "must stay on (off, a crash breaks the database: only a disposable stack may)"
          : undefined,
      ),
  },
  {
    needs: ["disposable"],
    check: (config) =>
      eachSetting(config, (name, value) =>
        DAMAGE.includes(name.toLowerCase()) && gucBoolean(value) === true && !config.disposable
          ? "must stay off (on, damaged data are taken for whole ones: only a disposable stack may)"
          : undefined,
      ),
  },
];

type Check = (name: string, value: string, all: readonly string[]) => string | undefined;

function eachSetting({ postgres }: StackConfig, check: Check): Problem[] {
  const given = Object.entries(postgres.settings);
  const names = given.map(([name]) => name);
  return given.flatMap(([name, value]) => {
    const message = check(name, value, names);
    return message === undefined ? [] : [{ path: `${SETTINGS}.${name}`, message }];
  });
}

const problemIn = (gucs: Gucs) => (name: string, value: string) => {
  const why = whyOwned(name.toLowerCase(), value);
  if (why) return `can't be set: it ${why}`;
  const guc = gucs.find(name);
  if (guc?.context === "internal")
    return "can't be set: PostgreSQL reports it, it was fixed when the server was built";
  if (guc) return gucProblem(guc, value);
  if (isExtensionSetting(name)) return undefined;
  const candidate = nearest(name, gucs.names);
  return `unrecognized configuration parameter "${name}" (${candidate ? `did you mean ${candidate}?` : "an extension's is written extension.name"})`;
};

function writtenTwice(name: string, _: string, all: readonly string[]): string | undefined {
  const first = all.find((other) => other.toLowerCase() === name.toLowerCase());
  return first === name
    ? undefined
    : `is the same setting as ${first} (PostgreSQL ignores the case of names)`;
}
