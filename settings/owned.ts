/**
 * Settings that a stack can't set, by name or prefix, and why. The image, the pod or another key of the stack controls them;
 * a second value would cost the data or the connection to it.
 */
const OWNED: readonly (readonly [RegExp, string])[] = [
  [/^archive_timeout$/, "is backup.archiveTimeout's"],
  [
    /^archive_(mode|command|library)$/,
    "is the image's: it archives through its own wrapper where the stack has a backup",
  ],
  [
    /^(restore_command|archive_cleanup_command|recovery_end_command)$/,
    "is the image's: it fetches segments itself",
  ],
  [/^recovery_(target|min_apply_delay)/, "belongs to a restore, not to a running server"],
  [/^(primary_conninfo|primary_slot_name|hot_standby)$/, "belongs to a standby; an instance is one server"],
  [
    /^(data_directory|config_file|hba_file|ident_file|external_pid_file)$/,
    "is the image's: its scripts rely on the path",
  ],
  [/^(listen_addresses|port|unix_socket_.*)$/, "is the image's: probes, Service and scripts connect there"],
  [/^(log_destination|logging_collector)$/, "is the image's: the log goes to stderr, for kubectl logs"],
];

/** Settings that must keep one value. */
const FIXED: Readonly<Record<string, readonly [value: string, why: string]>> = {
  password_encryption: ["scram-sha-256", "pg_hba.conf accepts no other"],
};

/** Why a stack can't set this value; undefined if it can. */
export function whyOwned(name: string, value: string): string | undefined {
  const owned = OWNED.find(([pattern]) => pattern.test(name));
  if (owned) return owned[1];
  const fixed = FIXED[name];
  return fixed && fixed[0] !== value.trim().toLowerCase() ? `must be ${fixed[0]}: ${fixed[1]}` : undefined;
}
