import { changed, turnedOff, turnedOn } from "./compare";
import type { Protection, Table } from "./table";

const otherwise = (usual: string, what: string): Protection => ({
  effect: "checks are off",
  usual,
  less: changed,
  why: `${what}: the same statement means something else, and nobody notices`,
});

/** Settings that can change the meaning of an application's unchanged statements. */
export const MEANING: Table = {
  search_path: otherwise('"$user", public', "names without a schema mean other tables, or none"),
  datestyle: otherwise("ISO, MDY", "day and month of a date may be read the other way round"),
  timezone: otherwise("UTC", "times without a zone are other moments"),
  intervalstyle: otherwise("postgres", "the sign of an interval may be read differently"),
  client_encoding: otherwise("", "text of a client that names no encoding is other text"),
  transform_null_equals: {
    ...otherwise("off", "`= NULL` finds rows that it did not find"),
    less: turnedOn,
  },
  array_nulls: { ...otherwise("on", "NULL in an array is the text NULL"), less: turnedOff },
};
