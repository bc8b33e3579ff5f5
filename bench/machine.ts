/** Limits and settings of each server in a benchmark. */
import { renderConf } from "../settings/render";
import { tune } from "../settings/tuning";

const GI = 2 ** 30;

/** Memory in bytes, CPUs. */
export const MACHINE = { memory: 4 * GI, cpu: 2 };

/** Arguments of `docker run` that limit a server to {@link MACHINE}. */
export function limits(): string[] {
  const { memory, cpu } = MACHINE;
  return ["--cpus", String(cpu), "--memory", String(memory), "--shm-size", String(2 * GI)];
}

/** The file for conf.d of a stack of this size. */
export function machineConf(): string {
  return renderConf(tune({ ...MACHINE, walRoom: 2 * GI, archiving: true }));
}
