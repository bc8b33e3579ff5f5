import { containersOf, isDisposable, kindOf, variable } from "./kubernetes";
import type { ResourcePolicy } from "./policy";

interface Config {
  readonly variable: string;
  readonly least: number;
}

/** A team that keeps fewer backups than it promised finds out on the day that it needs an older one. */
export const backupRetention: ResourcePolicy<Config> = {
  name: "backup-retention",
  description: "Enough full backups are kept, unless the stack is disposable.",
  defaults: { variable: "BACKUP_RETAIN", least: 7 },
  schema: {
    variable: {
      type: "string",
      description: "Variable of the CronJob's containers that says how many are kept.",
    },
    least: { type: "integer", minimum: 1, description: "Full backups that must be kept." },
  },
  check(resource, config) {
    if (kindOf(resource) !== "CronJob" || isDisposable(resource)) return [];
    return containersOf(resource).flatMap((container) => {
      const kept = variable(container, config.variable);
      return typeof kept === "string" && Number(kept) < config.least
        ? [`keeps ${kept} full backups (${config.variable}): ${config.least} is the minimum.`]
        : [];
    });
  },
};
