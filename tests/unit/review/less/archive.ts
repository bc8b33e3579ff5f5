import type { Tree } from "../../settings/stack";
import { type LessProtection, mild, said } from "./less";

const NIGHTLY: Tree = { backup: { schedule: "15 2 * * *", retain: 14 } };

/** What a key of an OpenPGP ring looks like; nobody reads it. */
const pgpKey = (which: string) =>
  `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${which}-that-nobody-may-see\n-----END PGP PRIVATE KEY BLOCK-----`;
const encrypted = (which: string, pgpPassphrase = "phrase-that-nobody-may-see"): Tree => ({
  backup: { encryption: { pgpKey: pgpKey(which), pgpPassphrase } },
});

/** Less of backups and their encryption. */
export const ARCHIVE: readonly LessProtection[] = [
  {
    what: "no backups any more",
    config: { backup: undefined },
    rows: [
      ["backups end", /StatefulSet postgres `backup.prefix`: `.*` → none/],
      ["backups end", /CronJob postgres-backup deleted/],
    ],
    says: /nothing is archived any more.*The archive at `.*` stays, and nothing is deleted in it any more/,
  },
  {
    what: "one night in place of fourteen",
    before: NIGHTLY,
    config: { backup: { retain: 1 } },
    rows: [["backups are deleted", /CronJob postgres-backup `backup.retain`: `14` → `1`/]],
    says: /13 of 14 nights are deleted .* goes back about 1 day instead of 14 days/,
  },
  {
    what: "fourteen hours in place of fourteen nights",
    before: NIGHTLY,
    config: { backup: { schedule: "15 * * * *" } },
    rows: [
      [
        "backups are deleted",
        /CronJob postgres-backup `backup.schedule`: `15 2 .*` → `15 \* .*` with `backup.retain`/,
      ],
    ],
    says: /goes back about 14 hours instead of 14 days/,
    both: true,
  },
  {
    what: "a base backup once a year",
    before: NIGHTLY,
    config: { backup: { schedule: "0 3 1 1 *" } },
    rows: [
      ["longer between backups", /CronJob postgres-backup `backup.schedule`: `15 2 \* \* \*` → `0 3 1 1 \*`/],
    ],
    says: /up to 365 days between two base backups instead of 1 day/,
    both: true,
  },
  {
    what: "no base backup at the weekend",
    before: NIGHTLY,
    config: { backup: { schedule: "15 2 * * 1-5" } },
    rows: [["longer between backups", /→ `15 2 \* \* 1-5`/]],
    says: /up to 3 days between two base backups instead of 1 day/,
    both: true,
  },
  {
    what: "a longer archiveTimeout",
    config: { backup: { archiveTimeout: 86400 } },
    rows: [
      ["acknowledged commits may be lost", /StatefulSet postgres `backup.archiveTimeout`: `10` → `86400`/],
    ],
    says: /a lost volume costs up to 1 day of commits instead of 10 seconds/,
  },
  {
    what: "a shorter archiveDeadline",
    config: { backup: { archiveDeadline: 10 } },
    rows: [
      ["acknowledged commits may be lost", /StatefulSet postgres `backup.archiveDeadline`: `120` → `10`/],
    ],
    says: /over a slow uplink the archive falls behind/,
    ...mild,
  },
  {
    what: "another region of the store",
    config: { backup: { region: "eu-north-1" } },
    rows: [["access changes", /StatefulSet postgres `AWS_REGION`: `us-east-1` → `eu-north-1`/]],
    says: /access to the archive: the next segment shows whether it works/,
    ...said,
  },
  {
    what: "another endpoint of the store",
    config: { backup: { endpoint: "https://other.example.com" } },
    rows: [["backups begin anew", /StatefulSet postgres `AWS_ENDPOINT`/]],
    says: /until its first base backup is done.*the old one stays as it is, nothing is deleted in it/,
    both: true,
  },
  {
    what: "another kind of store",
    config: {
      backup: {
        prefix: "gs://bucket/database",
        endpoint: undefined,
        forcePathStyle: undefined,
        credentials: undefined,
      },
    },
    rows: [["backups begin anew", /StatefulSet postgres .*`backup.prefix`: `s3:.*` → none/]],
    says: /the archive is a new one/,
    both: true,
  },
  {
    what: "backups without their key",
    before: encrypted("one"),
    config: { backup: { encryption: undefined } },
    rows: [["weaker encryption", /StatefulSet postgres .*`WALG_PGP_KEY_FILE`: `.*` → none/]],
    says: /whoever reads the store reads the data; earlier ones open only with the old key/,
    both: true,
  },
  {
    what: "another key for backups",
    before: encrypted("one"),
    config: encrypted("two"),
    rows: [["backups begin anew", /Secret postgres-encryption changed: `WALG_PGP_KEY`/]],
    says: /opens only with the old key: keep it/,
    both: true,
  },
  {
    what: "a key for backups that had none",
    config: encrypted("one"),
    rows: [["backups begin anew", /StatefulSet postgres .*`WALG_PGP_KEY_FILE`: none → /]],
    says: /earlier backups are not encrypted: to restore one, remove the key/,
    ...said,
  },
  {
    what: "another passphrase of the backups' key",
    before: encrypted("one"),
    config: encrypted("one", "another-that-nobody-may-see"),
    rows: [["access changes", /Secret postgres-encryption changed: `WALG_PGP_KEY_PASSPHRASE`/]],
    says: /whether it fits/,
    ...said,
  },
  {
    what: "another Secret with the backups' key",
    before: { backup: { encryption: { secretName: "one" } } },
    config: { backup: { encryption: { secretName: "two" } } },
    rows: [["backups begin anew", /StatefulSet postgres .*volumes.encryption.secret.secretName/]],
    says: /opens only with the old key/,
    both: true,
  },
  {
    what: "an identity of the cloud in place of keys",
    config: {
      backup: {
        credentials: {
          accessKeyId: undefined,
          secretAccessKey: undefined,
          serviceAccountAnnotations: { role: "backup" },
        },
      },
    },
    rows: [
      ["access changes", /StatefulSet postgres .*`AWS_ACCESS_KEY_ID_FILE`/],
      ["access changes", /ServiceAccount postgres-account `role`: none → `backup`/],
    ],
    says: /access to the archive: the next segment shows whether it works/,
    ...said,
  },
];
