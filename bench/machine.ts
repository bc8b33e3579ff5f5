/** What each server of a benchmark may use, and its settings. */
import { renderConf } from "../settings/render";
import { tune } from "../settings/tuning";

const GI = 2 ** 30;

/** Memory in bytes, CPUs. */
export const MACHINE = { memory: 4 * GI, cpu: 2 };

/** Arguments of `docker run` that keep a server inside of {@link MACHINE}. */
export function limits(): string[] {
  const { memory, cpu } = MACHINE;
  return ["--cpus", String(cpu), "--memory", String(memory), "--shm-size", String(2 * GI)];
}

/** The file for conf.d, as a stack of this size has it. */
export function machineConf(): string {
  return renderConf(tune({ ...MACHINE, walRoom: 2 * GI, archiving: true }));
}
