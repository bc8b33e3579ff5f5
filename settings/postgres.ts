import { gucBytes, gucNumber } from "./guc-values";
import { gucsOf } from "./gucs";
import { bytes, cpus } from "./quantity";
import { renderConf } from "./render";
import type { StackConfig } from "./schema";
import type { PostgresSettings } from "./settings";
import { type Chosen, type Machine, tune } from "./tuning";
import { walRoom } from "./volume";

/** PostgreSQL's settings: derived from memory, CPU and volume, then overridden by the stack's own. */
export function postgresSettings(config: StackConfig): PostgresSettings {
  const { version, memory, cpu } = config.postgres;
  const settings = { ...tune(machineOf(config), chosenBy(config)), ...ownSettings(config) };
  const restart = Object.entries(settings).filter(([name]) => gucsOf(version).needsRestart(name));
  return {
    version,
    memory,
    cpu,
    settings,
    restartSettings: Object.fromEntries(restart),
    conf: renderConf(settings),
  };
}

export function machineOf({ dataSize, postgres, backup }: StackConfig): Machine {
  return {
    memory: bytes(postgres.memory),
    cpu: cpus(postgres.cpu),
    walRoom: walRoom(dataSize),
    archiving: backup !== undefined,
  };
}

/** The stack's own values from which others are derived. */
export function chosenBy(config: StackConfig): Chosen {
  const own = ownSettings(config);
  const read = (name: string, value: typeof gucNumber) => {
    const guc = gucsOf(config.postgres.version).find(name);
    return guc && own[name] !== undefined ? value(guc, own[name]) : undefined;
  };
  return {
    shared_buffers: read("shared_buffers", gucBytes),
    max_wal_size: read("max_wal_size", gucBytes),
    max_connections: read("max_connections", gucNumber),
    max_worker_processes: read("max_worker_processes", gucNumber),
  };
}

/** The stack's own settings in PostgreSQL's spelling: PostgreSQL ignores the case of names. */
export function ownSettings({ postgres }: StackConfig): Record<string, string> {
  const entries = Object.entries(postgres.settings).map(([name, value]) => [
    gucsOf(postgres.version).find(name)?.name ?? name,
    value.trim(),
  ]);
  return Object.fromEntries(entries);
}
