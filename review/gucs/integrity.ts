import { both, emptied, higher, lower, NEVER, ranked, turnedOff, turnedOn, UNLIMITED } from "./compare";
import { CUT_OFF } from "./service";
import type { Table } from "./table";

const CHECKS = "checks are off";

/** Settings that decide whether damage is noticed, whether the volume fills, and what replicas receive. */
export const INTEGRITY: Table = {
  zero_damaged_pages: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "a damaged page is emptied without a word: its rows are gone",
  },
  ignore_checksum_failure: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "damaged pages are read as if they were whole",
  },
  ignore_invalid_pages: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "a recovery goes on past pages that are missing: rows may be lost",
  },
  ignore_system_indexes: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "damaged system indexes are not noticed",
  },
  allow_in_place_tablespaces: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "tablespaces may be made inside the data folder, for tests of PostgreSQL itself: backups do not count on them",
  },
  allow_system_table_mods: {
    effect: CHECKS,
    usual: "off",
    less: turnedOn,
    why: "superusers may change the system tables, which nothing repairs",
  },
  allow_alter_system: {
    effect: CHECKS,
    usual: "on",
    less: turnedOn,
    why: "ALTER SYSTEM goes over what the stack says, its archiving too",
    mild: true,
  },
  session_replication_role: {
    effect: CHECKS,
    usual: "origin",
    less: ranked("origin", "local", "replica"),
    why: "foreign keys and ordinary triggers do not fire: rows may contradict each other",
  },
  event_triggers: {
    effect: CHECKS,
    usual: "on",
    less: turnedOff,
    why: "event triggers do not fire, those that guard or record changes of tables either",
  },
  autovacuum: {
    effect: "the volume may fill",
    usual: "on",
    less: turnedOff,
    why: "dead rows stay, tables grow, plans go by old statistics",
  },
  track_counts: {
    effect: "the volume may fill",
    usual: "on",
    less: turnedOff,
    why: "autovacuum works by these counts: dead rows stay, tables grow",
  },
  remove_temp_files_after_crash: {
    effect: "the volume may fill",
    usual: "on",
    less: turnedOff,
    why: "each crash leaves its temporary files",
  },
  max_slot_wal_keep_size: [
    {
      effect: "replicas may lose their place",
      usual: "-1",
      less: lower(UNLIMITED),
      why: "a slot that is further behind is given up, and what it held is not sent any more",
    },
    {
      effect: "the volume may fill",
      usual: "-1",
      less: both(higher(UNLIMITED), ({ after }) => after.startsWith("-")), // a larger volume raises the derived limit
      why: "a slot that nobody reads holds all WAL on the volume",
    },
  ],
  idle_replication_slot_timeout: [
    {
      effect: "replicas may lose their place",
      usual: "0",
      less: lower(NEVER),
      why: "a slot that nobody read for that long is given up",
    },
    {
      effect: "the volume may fill",
      usual: "0",
      less: higher(NEVER),
      why: "a slot that nobody reads holds WAL on the volume for longer",
    },
  ],
  wal_keep_size: [
    {
      effect: "replicas may lose their place",
      usual: "0",
      less: lower(),
      why: "a standby without a slot that falls further behind has to take the rest from the archive",
    },
    {
      effect: "the volume may fill",
      usual: "0",
      less: higher(),
      why: "as much WAL stays on the volume, whether somebody needs it or not",
    },
  ],
  max_wal_senders: {
    effect: "replicas may lose their place",
    usual: "10",
    less: lower(),
    why: "replicas beyond so many are refused, and what they lack is kept, or gone",
  },
  temp_file_limit: {
    effect: "the volume may fill",
    usual: "-1",
    less: higher(UNLIMITED),
    why: "one session may write more temporary files",
  },
  idle_in_transaction_session_timeout: [
    {
      effect: "the volume may fill",
      usual: "0",
      less: higher(NEVER),
      why: "a forgotten transaction keeps dead rows and locks for longer",
    },
    CUT_OFF,
  ],
  synchronized_standby_slots: {
    effect: "replicas may lose their place",
    usual: "",
    less: emptied,
    why: "logical replicas may run ahead of the standby that takes over",
  },
};
