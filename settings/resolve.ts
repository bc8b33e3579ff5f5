import * as pulumi from "@pulumi/pulumi";
import pins from "../image/pins.json";
import { backupSettings } from "./backup";
import { gucBytes } from "./guc-values";
import { gucsOf } from "./gucs";
import type { Major } from "./major";
import { pinnedBase } from "./pins";
import { machineOf, postgresSettings } from "./postgres";
import { requestSettings } from "./request";
import type { ImageConfig, StackConfig } from "./schema";
import type { ImageSettings, PostgresSettings, Settings } from "./settings";
import { claimSize } from "./volume";

const MI = 2 ** 20;

/** Resolves a checked configuration. */
export function resolve(config: StackConfig): Settings {
  const postgres = postgresSettings(config);
  const machine = machineOf(config);
  return {
    disposable: config.disposable,
    image: imageSettings(config.image, config.postgres.version),
    volume: { claimSize: claimSize(config.dataSize), storageClass: config.storageClass },
    postgres,
    backup: config.backup && backupSettings(config.backup, machine),
    request: requestSettings(config),
    access: { ...config.access, database: config.access.database ?? config.access.role },
    placement: config.placement,
    gracePeriodSeconds: gracePeriod(postgres, config.backup?.archiveDeadline ?? 0),
    sharedMemory: `${Math.max(64, Math.floor(machine.memory / MI / 4))}Mi`,
  };
}

function imageSettings(image: ImageConfig, version: Major): ImageSettings {
  if (image.ref !== undefined) return { ref: image.ref };
  const { repository = "", platform = "linux/amd64", credentials } = image;
  return {
    repository,
    platform,
    baseImage: image.baseImage ?? pinnedBase(version) ?? "", // a rule ensures that there is one
    walg: image.walg ?? pins.walg[platform],
    ...(credentials && { credentials: { ...credentials, password: pulumi.secret(credentials.password) } }),
  };
}

/**
 * Seconds from the start of the termination to SIGKILL: 60 for the checkpoint before the stop (pre-stop.sh ends it then), 30
 * for sessions to end, the time to write all of shared_buffers at 32 MiB/s (a slow volume) if that checkpoint failed, and one
 * archive deadline for the last segment.
 */
function gracePeriod({ version, settings }: PostgresSettings, archiveDeadline: number): number {
  const guc = gucsOf(version).find("shared_buffers");
  const buffers = (guc && gucBytes(guc, settings.shared_buffers ?? "")) ?? 0;
  return 90 + Math.ceil(buffers / (32 * MI)) + archiveDeadline;
}
