import { backupRetention } from "./backup-retention";
import { backupsOn } from "./backups-on";
import { baseByDigest } from "./base-by-digest";
import { claimProtected } from "./claim-protected";
import { noLatestTag } from "./no-latest-tag";
import { noPlainSecrets } from "./no-plain-secrets";
import { ownBackupPrefix } from "./own-backup-prefix";
import { podSecurityRestricted } from "./pod-security-restricted";
import { requestsAndLimits } from "./requests-and-limits";
import { secretsStaySecret } from "./secrets-stay-secret";

/** Every policy of the pack; each is mandatory unless a stack's policy configuration says otherwise. */
export const resourcePolicies = [
  claimProtected,
  noLatestTag,
  baseByDigest,
  backupRetention,
  requestsAndLimits,
  noPlainSecrets,
  podSecurityRestricted,
] as const;

export const stackPolicies = [backupsOn, ownBackupPrefix, secretsStaySecret] as const;
