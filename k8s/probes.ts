import type * as k8s from "@pulumi/kubernetes";

type Probe = k8s.types.input.core.v1.Probe;

/**
 * One script for all three. It knows starting, recovering, ready and full; a server that replays WAL is alive, and only
 * one that makes no progress is killed. So liveness has no budget that a long recovery could use up.
 */
export function probes(): { startupProbe: Probe; livenessProbe: Probe; readinessProbe: Probe } {
  const probe = (kind: string, timing: Omit<Probe, "exec">): Probe => ({
    exec: { command: ["probe.sh", kind] },
    timeoutSeconds: 10,
    ...timing,
  });
  return {
    // often, so that a server that is up is soon ready; only the first initialisation counts against this hour
    startupProbe: probe("startup", { periodSeconds: 1, failureThreshold: 3600 }),
    livenessProbe: probe("liveness", { periodSeconds: 15, failureThreshold: 4 }),
    // each run costs the server's CPU about 50 ms
    readinessProbe: probe("readiness", { periodSeconds: 5, failureThreshold: 2 }),
  };
}
