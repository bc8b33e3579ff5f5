import { both, higher, type Less, lower } from "./compare";
import type { Protection, Table } from "./table";

/** Many times PostgreSQL's default: a higher value amounts to autovacuum off. */
const beyond = (most: string): Less => both(higher(), (edit) => higher()({ ...edit, before: most }));

const rarer = (usual: string, less: Less): Protection => ({
  effect: "the volume may fill",
  usual,
  less,
  why: "autovacuum comes later, or takes longer: dead rows stay, tables grow",
});

const exhausted = (usual: string, most: string): Protection => ({
  effect: "may not serve",
  usual,
  less: beyond(most),
  why: "old ids of transactions are given back late: where none is left, every statement that writes is refused",
});

/** Settings that decide whether vacuum reclaims dead rows and old transaction ids in time. */
export const VACUUM: Table = {
  autovacuum_naptime: rarer("1min", beyond("10min")),
  autovacuum_max_workers: rarer("3", lower()),
  autovacuum_vacuum_threshold: rarer("50", beyond("100000")),
  autovacuum_vacuum_insert_threshold: rarer("1000", beyond("1000000")),
  autovacuum_vacuum_scale_factor: rarer("0.2", beyond("0.5")),
  autovacuum_vacuum_insert_scale_factor: rarer("0.2", beyond("1")),
  autovacuum_vacuum_cost_delay: rarer("2ms", beyond("20ms")),
  autovacuum_freeze_max_age: exhausted("200000000", "1000000000"),
  autovacuum_multixact_freeze_max_age: exhausted("400000000", "1000000000"),
  vacuum_failsafe_age: exhausted("1600000000", "1800000000"),
  vacuum_multixact_failsafe_age: exhausted("1600000000", "1800000000"),
};
