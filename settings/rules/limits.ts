import { gucBytes, gucNumber, renderBytes } from "../guc-values";
import { gucsOf } from "../gucs";
import { ownSettings, postgresSettings } from "../postgres";
import { bytes } from "../quantity";
import type { StackConfig } from "../schema";
import { walRoom } from "../volume";
import { type Problem, type Rule, unless } from "./rule";

/** Memory that one process may allocate at once, beside shared_buffers. */
const PER_PROCESS = [
  "work_mem",
  "maintenance_work_mem",
  "autovacuum_work_mem",
  "logical_decoding_work_mem",
  "temp_buffers",
  "wal_decode_buffer_size",
];

/** PostgreSQL's defaults of settings that we don't derive. */
const DEFAULTS: Readonly<Record<string, string>> = {
  superuser_reserved_connections: "3",
  reserved_connections: "0",
  wal_keep_size: "0",
  wal_level: "replica",
  max_wal_senders: "10",
};

/** The sources of derived values: a rule that reads such a value needs these. */
const MACHINE = ["dataSize", "postgres.memory", "postgres.cpu"];

const WAL_SEGMENT = 2 ** 24;

const LIMITS: readonly Rule[] = [
  {
    needs: ["postgres.memory", guc("shared_buffers")],
    check: (config) => {
      const most = (bytes(config.postgres.memory) * 3) / 4;
      return own(config, "shared_buffers", (it) =>
        it.bytes("shared_buffers") <= most
          ? undefined
          : `is more than 75 % of the memory (at most ${renderBytes(Math.floor(most))} of ${config.postgres.memory}): sessions need the rest`,
      );
    },
  },
  ...PER_PROCESS.map((name) => ({
    needs: [...MACHINE, guc("shared_buffers"), guc(name)],
    check: (config: StackConfig) => {
      const left = bytes(config.postgres.memory) - effective(config).bytes("shared_buffers");
      return own(config, name, (it) =>
        it.bytes(name) <= left
          ? undefined
          : `is more than shared_buffers leave of the memory (${renderBytes(left)})`,
      );
    },
  })),
  {
    needs: [...MACHINE, guc("max_wal_size"), guc("wal_keep_size")],
    check: (config) => {
      const room = walRoom(config.dataSize);
      const held = (it: Values) => it.bytes("max_wal_size") + it.bytes("wal_keep_size");
      const message = `is more WAL than the volume has room for (max_wal_size and wal_keep_size: at most ${renderBytes(room)}, half of dataSize)`;
      const check = (it: Values) => (held(it) <= room ? undefined : message);
      const problems = own(config, "max_wal_size", check);
      return problems.length > 0 ? problems : own(config, "wal_keep_size", check);
    },
  },
  ...["min_wal_size", "max_wal_size"].map((name) => ({
    needs: [guc(name)],
    check: (config: StackConfig) =>
      own(config, name, (it) =>
        it.bytes(name) >= 2 * WAL_SEGMENT ? undefined : "is below two WAL segments (at least 32MB)",
      ),
  })),
  {
    needs: [...MACHINE, guc("min_wal_size"), guc("max_wal_size")],
    check: (config) =>
      own(config, "min_wal_size", (it) =>
        it.bytes("min_wal_size") <= it.bytes("max_wal_size")
          ? undefined
          : `is above max_wal_size (${it.text("max_wal_size")})`,
      ),
  },
  {
    needs: [
      ...MACHINE,
      ...["max_connections", "superuser_reserved_connections", "reserved_connections"].map(guc),
    ],
    check: (config) => {
      const it = effective(config);
      const reserved = it.number("superuser_reserved_connections") + it.number("reserved_connections");
      const connections = it.number("max_connections");
      return unless(
        reserved < connections,
        guc("max_connections"),
        `leaves no connection for the application (${connections} of which ${reserved} are reserved)`,
      );
    },
  },
  {
    needs: [guc("wal_level"), guc("max_wal_senders")],
    check: (config) => own(config, "wal_level", (it) => walLevelProblem(config, it)),
  },
];

/** Limits of the stack's own PostgreSQL settings: the memory, the volume, and each other. */
export const limitRules: readonly Rule[] = LIMITS.map(({ needs, check }) => ({
  needs: ["postgres.version", ...needs], // the definition of a setting depends on the major
  check,
}));

function walLevelProblem({ backup }: StackConfig, it: Values): string | undefined {
  if (it.text("wal_level").toLowerCase() !== "minimal") return undefined;
  if (backup) return "is not enough for backups (replica or logical)";
  return it.number("max_wal_senders") === 0 ? undefined : "minimal needs max_wal_senders = 0";
}

function guc(name: string): string {
  return `postgres.settings.${name}`;
}

/** Values by name: the stack's own, else PostgreSQL's default, else the derived one. */
interface Values {
  text(name: string): string;
  number(name: string): number;
  bytes(name: string): number;
}

function effective(config: StackConfig): Values {
  const given = ownSettings(config);
  const text = (name: string) =>
    given[name] ?? DEFAULTS[name] ?? postgresSettings(config).settings[name] ?? "0";
  const read = (name: string, value: typeof gucNumber) => {
    const found = gucsOf(config.postgres.version).find(name);
    return (found && value(found, text(name))) ?? 0;
  };
  return { text, number: (name) => read(name, gucNumber), bytes: (name) => read(name, gucBytes) };
}

/** Checks a setting only if the stack sets it: derived values are right by construction. */
function own(config: StackConfig, name: string, check: (values: Values) => string | undefined): Problem[] {
  const written = Object.keys(config.postgres.settings).find((key) => key.toLowerCase() === name);
  const message = written && check(effective(config));
  return message ? [{ path: guc(written), message }] : [];
}
