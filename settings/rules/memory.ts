import { gucBytes, gucNumber } from "../guc-values";
import { gucsOf } from "../gucs";
import { PROCESSES, SIZED, sharedMemory } from "../memory";
import { postgresSettings } from "../postgres";
import { bytes } from "../quantity";
import type { StackConfig } from "../schema";
import { type Problem, type Rule, unless } from "./rule";

const guc = (name: string) => `postgres.settings.${name}`;

/** What PostgreSQL allocates at startup must fit the memory, or the server dies there with whatever error the kernel reports. */
export const memoryRules: readonly Rule[] = [
  {
    needs: [
      ...["dataSize", "postgres.version", "postgres.memory", "postgres.cpu"], // the sources of derived values
      ...SIZED.map(guc),
    ],
    check: (config) => {
      const memory = bytes(config.postgres.memory);
      const needed = atStart(config);
      return tooManyBuffers(config, memory) || needed + PROCESSES <= memory ? [] : blame(config, needed);
    },
  },
];

/** Skipped here because {@link limitRules} report it. */
function tooManyBuffers(config: StackConfig, memory: number): boolean {
  return (sizeOf(config, "shared_buffers") ?? 0) > (memory * 3) / 4;
}

/** Blames the one setting whose removal would save the most. */
function blame(config: StackConfig, needed: number): readonly Problem[] {
  const own = Object.entries(config.postgres.settings).filter(([name]) => SIZED.includes(name.toLowerCase()));
  const least = own
    .map(([name]) => {
      const settings = Object.fromEntries(own.filter(([other]) => other !== name));
      return { name, rest: atStart({ ...config, postgres: { ...config.postgres, settings } }) };
    })
    .sort((a, b) => a.rest - b.rest)[0];
  const [total, share, processes] = [needed, needed - (least?.rest ?? 0), PROCESSES].map(inMB);
  return unless(
    false,
    least ? guc(least.name) : "postgres.memory",
    `is more than the memory holds: at its start PostgreSQL would allocate ${total} of shared memory, ${share} of it for ` +
      `this, and ${config.postgres.memory} has to hold that and ${processes} for its processes`,
  );
}

function atStart(config: StackConfig): number {
  return sharedMemory(config.postgres.version, (name) => sizeOf(config, name));
}

/** A setting's value, the stack's own or the derived one, in bytes if it has a unit. */
function sizeOf(config: StackConfig, name: string): number | undefined {
  const found = gucsOf(config.postgres.version).find(name);
  const text = found && postgresSettings(config).settings[found.name];
  if (found === undefined || text === undefined) return undefined;
  return (found.unit === undefined ? gucNumber : gucBytes)(found, text);
}

const inMB = (size: number) => `${Math.round(size / 2 ** 20)}MB`;
