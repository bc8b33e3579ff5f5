import { mayNotSay, maySay, type Wrong } from "./cases";

const HEX = "0123456789abcdef".repeat(4);
const PGP = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgEawZR\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----";

/** What one store takes for part of a key and the next for something else. */
const ODD_PREFIXES = [
  "s3://bucket/../x",
  "s3://bucket/x/..",
  "s3://bucket/./x",
  "s3://../x",
  "s3://bucket//x",
  "s3://bucket/%2E%2e/x",
  "s3://bucket/100%",
  "s3://bucket/x?y",
  "s3://bucket/x#y",
  "s3://bucket?x",
  "s3://bucket/x\u0001y",
  "s3://bucket/x\u0085y",
  "s3://bucket/x\\y",
  "s3://key:secret@bucket/x",
  "s3://bucket:9000/x",
  "gs://bück/x",
  "file:///var/lib/postgresql/18/docker/backups",
];
const ODD_SAID = (path: string) =>
  new RegExp(
    `^${path}: is not a valid prefix \\(exactly one of .*none of its folders is empty, '\\.' or '\\.\\.'.*\\)$`,
  );

describe("a stack's backups", () => {
  mayNotSay([
    ["no schedule", { backup: { schedule: undefined } }, /^backup\.schedule: is missing/],
    [
      "a schedule that never fires",
      { backup: { schedule: "0 0 31 2 *" } },
      /^backup\.schedule: is not a schedule that ever fires/,
    ],
    ["no prefix", { backup: { prefix: undefined } }, /^backup\.prefix: is missing \(exactly one of/],
    [
      "two prefixes in a text",
      { backup: { prefix: "s3://a,gs://b" } },
      /^backup\.prefix: is not a valid prefix \(exactly one of/,
    ],
    [
      "two prefixes in a list",
      { backup: { prefix: ["s3://a", "gs://b"] } },
      /^backup\.prefix: must be text \(exactly one of/,
    ],
    [
      "an unknown kind of store",
      { backup: { prefix: "ftp://a/b" } },
      /^backup\.prefix: is not a valid prefix/,
    ],
    ...ODD_PREFIXES.flatMap((prefix): Wrong[] => [
      [`backups in ${JSON.stringify(prefix)}`, { backup: { prefix } }, ODD_SAID("backup.prefix")],
      [`a clone from ${JSON.stringify(prefix)}`, { cloneFrom: { prefix } }, ODD_SAID("cloneFrom.prefix")],
      [
        `a restore from ${JSON.stringify(prefix)}`,
        { restore: { id: "a", to: "latest", from: prefix } },
        ODD_SAID("restore.from"),
      ],
    ]),
    [
      "a prefix without bucket",
      { backup: { prefix: "s3:///path" } },
      /^backup\.prefix: is not a valid prefix/,
    ],
    [
      "no backup kept",
      { backup: { retain: 0 } },
      /^backup\.retain: must be a whole number of full backups \(1 to 1000\)/,
    ],
    [
      "half a second",
      { backup: { archiveTimeout: 0.5 } },
      /^backup\.archiveTimeout: must be a whole number of seconds/,
    ],
    [
      "an unknown compression",
      { backup: { compression: "rar" } },
      /^backup\.compression: must be one of: lz4, zstd/,
    ],
    [
      "an endpoint for Google's store",
      { backup: { prefix: "gs://b/p", endpoint: "https://x.org" } },
      /^backup\.endpoint: has no meaning for gs:\/\/ \(only for s3:\/\/\)/,
    ],
    [
      "Azure's key for S3",
      { backup: { credentials: { storageAccessKey: "k" } } },
      /^backup\.credentials\.storageAccessKey: has no meaning for s3:/,
    ],
    [
      "Azure's store without account",
      { backup: { prefix: "azure://c/p" } },
      /^backup\.storageAccount: is missing/,
    ],
    [
      "an archive on the volume itself",
      { backup: { prefix: "file:///var/lib/postgresql/backups" } },
      /^backup\.prefix: goes with the volume/,
    ],
    [
      "two kinds of credentials",
      { backup: { credentials: { secretName: "a", accessKeyId: "b", secretAccessKey: "c" } } },
      /^backup\.credentials: must be one of/,
    ],
    ["credentials without any", { backup: { credentials: {} } }, /^backup\.credentials: must be one of/],
    [
      "a secret key without its id",
      { backup: { credentials: { secretAccessKey: "b" } } },
      /^backup\.credentials\.accessKeyId: is missing/,
    ],
    [
      "an id without its secret key",
      { backup: { credentials: { accessKeyId: "b" } } },
      /^backup\.credentials\.secretAccessKey: is missing/,
    ],
    [
      "two kinds of keys",
      { backup: { encryption: { libsodiumKey: HEX, secretName: "a" } } },
      /^backup\.encryption: must be one of pgpKey .*, libsodiumKey, secretName$/,
    ],
    ["encryption without a key", { backup: { encryption: {} } }, /^backup\.encryption: must be one of/],
    [
      "a passphrase without its key",
      { backup: { encryption: { pgpPassphrase: "b" } } },
      /^backup\.encryption\.pgpKey: is missing/,
    ],
    [
      "a public key, which opens no backup",
      { backup: { encryption: { pgpKey: PGP.replaceAll("PRIVATE", "PUBLIC") } } },
      /^backup\.encryption\.pgpKey: is not an OpenPGP private key \(all that `gpg /,
    ],
    [
      "half of a key",
      { backup: { encryption: { pgpKey: PGP.slice(0, 60) } } },
      /^backup\.encryption\.pgpKey: is not an OpenPGP private key/,
    ],
    [
      "a short key for libsodium",
      { backup: { encryption: { libsodiumKey: "00ff" } } },
      /^backup\.encryption\.libsodiumKey: is not a key of 32 bytes \(64 hexadecimal digits/,
    ],
  ]);

  maySay([
    ["an OpenPGP key of many lines", { backup: { encryption: { pgpKey: `${PGP}\n`, pgpPassphrase: "x" } } }],
    ["a key for libsodium", { backup: { encryption: { libsodiumKey: HEX } } }],
    ["a Secret that exists, with a key", { backup: { encryption: { secretName: "keys" } } }],
    ["no backup", { backup: undefined }],
    [
      "a prefix with dots in names and a slash at its end",
      { backup: { prefix: "s3://my.bucket/v1.2/..a/.b/" } },
    ],
    [
      "IRSA",
      {
        backup: {
          credentials: {
            serviceAccountAnnotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x" },
          },
        },
      },
    ],
    [
      "a Secret that exists, for Google's store",
      { backup: { prefix: "gs://bucket/path", credentials: { secretName: "gcs" } } },
    ],
    [
      "Azure's store",
      { backup: { prefix: "azure://c/p", storageAccount: "acct", credentials: { storageAccessKey: "k" } } },
    ],
    [
      "an archive on the volume of a disposable stack",
      { disposable: true, backup: { prefix: "file:///var/lib/postgresql/backups" } },
    ],
  ]);
});
