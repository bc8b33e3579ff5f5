import type * as k8s from "@pulumi/kubernetes";

type Probe = k8s.types.input.core.v1.Probe;

/**
 * One script for all three. It distinguishes starting, recovering, ready and full. A server that replays WAL is alive; the
 * kubelet kills only one that makes no progress. So a long recovery can't exhaust the liveness probe.
 */
export function probes(): { startupProbe: Probe; livenessProbe: Probe; readinessProbe: Probe } {
  const probe = (kind: string, timing: Omit<Probe, "exec">): Probe => ({
    exec: { command: ["probe.sh", kind] },
    timeoutSeconds: 10,
    ...timing,
  });
  return {
    // frequent, so that a started server soon becomes ready; only the first initialisation counts against this hour
    startupProbe: probe("startup", { periodSeconds: 1, failureThreshold: 3600 }),
    livenessProbe: probe("liveness", { periodSeconds: 15, failureThreshold: 4 }),
    // each run takes about 50 ms of the server's CPU
    readinessProbe: probe("readiness", { periodSeconds: 5, failureThreshold: 2 }),
  };
}
