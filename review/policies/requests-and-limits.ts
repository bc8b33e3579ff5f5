import { at, containersOf } from "./kubernetes";
import type { ResourcePolicy } from "./policy";

interface Config {
  readonly cpuLimit: boolean;
}

/** Without a request a pod is evicted first; without a memory limit it starves its neighbours. */
export const requestsAndLimits: ResourcePolicy<Config> = {
  name: "requests-and-limits",
  description: "Every container requests CPU and memory, and has a limit on memory.",
  defaults: { cpuLimit: false },
  schema: { cpuLimit: { type: "boolean", description: "Whether a limit on CPU is needed too." } },
  check(resource, { cpuLimit }) {
    const needed = ["requests.cpu", "requests.memory", "limits.memory", ...(cpuLimit ? ["limits.cpu"] : [])];
    return containersOf(resource).flatMap(({ title, spec }) => {
      const missing = needed.filter((path) => at(spec, "resources", ...path.split(".")) === undefined);
      return missing.length > 0 ? [`${title} says no ${missing.join(", no ")} (resources).`] : [];
    });
  },
};
