import { gucBoolean } from "../../settings/guc-values";
import { both, changed, higher, type Less, NEVER, ranked, turnedOff, turnedOn } from "./compare";
import type { Table } from "./table";

const CRASH = "a crash may break the database";
const ACKNOWLEDGED = "acknowledged commits may be lost";
const CHECKS = "checks are off";

/** The maximum of the derived `max_wal_size` (settings/tuning.ts). */
const LONG_WAL = "4GB";

/** More WAL between two checkpoints than the derived value allows. */
const moreThanDerived: Less = both(higher(), (edit) => higher()({ ...edit, before: LONG_WAL }));

/** Without a synchronous standby, all levels but `off` are equal. */
const waitsForLess: Less = (edit) => {
  const levels = ["remote_apply", "on", "remote_write", "local", "off"];
  const word = (text: string) => ({ true: "on", false: "off" })[String(gucBoolean(text))] ?? text;
  const less = ranked(...levels)({ ...edit, before: word(edit.before), after: word(edit.after) });
  return less && (word(edit.after) === "off" || (edit.all.synchronous_standby_names ?? "") !== "");
};

const commitsAreDelayed: Less = ({ all }) => gucBoolean(all.synchronous_commit ?? "on") === false;

/** Settings that decide what survives a crash or a lost volume, and how long recovery takes. */
export const DURABILITY: Table = {
  fsync: {
    effect: CRASH,
    usual: "on",
    less: turnedOff,
    why: "nothing is forced to the disk any more: after a crash of the node the data may be beyond repair",
  },
  full_page_writes: {
    effect: CRASH,
    usual: "on",
    less: turnedOff,
    why: "a page that a crash of the node cuts in half stays so: the data may be beyond repair",
  },
  data_sync_retry: {
    effect: CRASH,
    usual: "off",
    less: turnedOn,
    why: "after a failed write the server goes on as if the data were on the disk",
  },
  synchronous_commit: {
    effect: ACKNOWLEDGED,
    usual: "on",
    less: waitsForLess,
    why: "a commit is reported before it is on the disk (or with the standby): a crash costs the last ones, up to three times wal_writer_delay",
  },
  wal_writer_delay: {
    effect: ACKNOWLEDGED,
    usual: "200ms",
    less: both(higher(), commitsAreDelayed),
    why: "synchronous_commit is off, so a crash costs the commits of up to three times as long",
  },
  synchronous_standby_names: [
    {
      effect: ACKNOWLEDGED,
      usual: "",
      less: both(changed, ({ before }) => before !== ""),
      why: "a commit no longer waits for the standbys that it waited for: a failover may be without the last ones",
    },
    {
      effect: "may not serve",
      usual: "",
      less: both(changed, ({ after }) => after !== ""),
      why: "every commit waits until such a standby has it: where there is none, for ever",
    },
  ],
  archive_timeout: {
    effect: ACKNOWLEDGED,
    usual: "0",
    less: higher(NEVER),
    why: "the newest commits stay on the volume alone for longer: a lost volume costs them",
  },
  wal_level: [
    {
      effect: "backups end",
      usual: "replica",
      less: both(changed, ({ after }) => after.toLowerCase() === "minimal"),
      why: "no base backup can be taken and nothing can be archived with it",
    },
    {
      effect: "replicas may lose their place",
      usual: "replica",
      less: both(changed, ({ before }) => before.toLowerCase() === "logical"),
      why: "logical replication ends: its slots have to go first, and its replicas start over",
    },
  ],
  archive_mode: {
    effect: "backups end",
    usual: "off",
    less: ranked("always", "on", "off"),
    why: "nothing is archived any more",
  },
  archive_command: {
    effect: "backups end",
    usual: "",
    less: changed,
    why: "what archives is another command, and whether it archives at all can't be determined here",
  },
  archive_library: {
    effect: "backups end",
    usual: "",
    less: changed,
    why: "what archives is another library, and whether it archives at all can't be determined here",
  },
  archive_cleanup_command: {
    effect: "backups are deleted",
    usual: "",
    less: both(changed, ({ after }) => after !== ""),
    why: "it removes segments from the archive that base backups may need",
  },
  restore_command: {
    effect: CHECKS,
    usual: "",
    less: changed,
    why: "another command fetches segments: one that takes an error for the end of the archive ends a recovery early",
  },
  max_wal_size: {
    effect: "longer recovery",
    usual: "1GB",
    less: moreThanDerived,
    why: "more WAL lies between two checkpoints, and a start after a crash replays it",
  },
  checkpoint_timeout: {
    effect: "longer recovery",
    usual: "5min",
    less: higher(),
    why: "checkpoints are further apart, and a start after a crash replays what lies between",
  },
  recovery_prefetch: {
    effect: "longer recovery",
    usual: "try",
    less: ranked("on", "try", "off"),
    why: "a recovery waits for each page that it reads",
  },
  restart_after_crash: {
    effect: "longer recovery",
    usual: "on",
    less: turnedOff,
    why: "after a crash of a session the whole pod restarts",
  },
};
