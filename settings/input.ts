import type * as pulumi from "@pulumi/pulumi";
import type { Major } from "./major";
import type { Dangerous } from "./review";

/** A Kubernetes quantity: `20Gi`, `500m`, or a plain number. */
export type Quantity = string | number;

/** A secret. The state encrypts it only if you pass a secret output: `config.requireSecret(...)`. */
export type SecretText = string | pulumi.Output<string>;

/** Target of a restore: `latest`, a time with its zone, or a position in the WAL. */
export type TargetInput =
  | string
  | {
      /** An LSN: `0/3000060`. */
      lsn: string;
    }
  | {
      /** The last transaction to restore. */
      xid: string | number;
    }
  | {
      /** A named restore point. */
      name: string;
    };

/**
 * Settings of one database: the keys of a stack's file. docs/settings.md lists the defaults and limits; schema.ts
 * checks them.
 */
export interface DatabaseInput {
  /** Size that the data may grow to; the volume is 2.5 times as large. */
  dataSize: Quantity;
  /** Storage class of the volume, fixed once chosen; default: the cluster's. */
  storageClass?: string;
  /** Deletes the data with the stack and protects nothing; for development and tests. */
  disposable?: boolean;
  /** Takes images, backups and the namespace from the environment; for development. */
  fromEnvironment?: boolean;
  /** Version, memory, CPUs and PostgreSQL settings. */
  postgres?: PostgresInput;
  /** `repository` to build and push the image, or `ref` for an existing one. */
  image: ImageInput;
  /** Location and schedule of backups; without it nothing is archived. */
  backup?: BackupInput;
  /** A restore request; runs once per id. */
  restore?: RestoreInput;
  /** Fills an empty volume from another database's archive. */
  cloneFrom?: CloneInput;
  /** A major upgrade request, set together with the new version; runs once per id. */
  upgrade?: UpgradeInput;
  /** The application's role and database, and how clients reach them. */
  access?: AccessInput;
  /** Where the pods run. */
  placement?: PlacementInput;
  /** What a review of changes lets through; the program itself ignores it. */
  review?: ReviewInput;
}

/** The key `postgres`. */
export interface PostgresInput {
  /** Major version. A change needs `upgrade`. */
  version?: Major;
  /** Memory request and limit of the server's pod. */
  memory?: Quantity;
  /** CPUs of the server's pod. */
  cpu?: Quantity;
  /** Any PostgreSQL setting by name; overrides the values derived from memory and CPUs. */
  settings?: Record<string, string | number | boolean>;
}

/** The key `image`. */
export interface ImageInput {
  /** An existing image, which makes Docker unnecessary. A digest pins it. */
  ref?: string;
  /** Repository to push the image to, with the registry's host and no tag: `registry.example.com/team/postgres`. */
  repository?: string;
  /** Platform of the cluster's nodes. */
  platform?: "linux/amd64" | "linux/arm64";
  /** Base image of the same major, for a mirror or a major without a pinned one. */
  baseImage?: string;
  /** WAL-G's release asset, for a mirror. */
  walg?: {
    /** Download URL. */
    url: string;
    /** Its SHA-256, 64 hex digits. */
    sha256: string;
  };
  /** Credentials for the push; omit them if the Docker client is already logged in. */
  credentials?: {
    /** User name. */
    username: string;
    /** Password or token. */
    password: SecretText;
  };
}

/** Location of an archive, and how to reach it. */
export interface StoreInput {
  /** `s3://bucket/path`, `gs://`, `azure://` or, in a disposable stack, `file://`; no other database may use it. */
  prefix: string;
  /** Address of an S3 server other than AWS. */
  endpoint?: string;
  /** S3 region. */
  region?: string;
  /** Puts the bucket in the path instead of the host name, as most S3 servers other than AWS need. */
  forcePathStyle?: boolean;
  /** Azure's storage account. */
  storageAccount?: string;
  /** Encryption key for segments and base backups; without it they are stored unencrypted. */
  encryption?: {
    /** OpenPGP private key, as `gpg --armor --export-secret-keys` prints it. */
    pgpKey?: SecretText;
    /** The passphrase of `pgpKey`, if it has one. */
    pgpPassphrase?: SecretText;
    /** A libsodium key, 64 hex digits, instead of `pgpKey`. */
    libsodiumKey?: SecretText;
    /** An existing Secret that holds the key instead. */
    secretName?: string;
  };
}

/** One kind of object store credentials; none if the cloud gives the pods an identity. */
export interface CredentialsInput {
  /** An existing Secret. */
  secretName?: string;
  /** For S3, with `secretAccessKey`. */
  accessKeyId?: SecretText;
  /** For S3. */
  secretAccessKey?: SecretText;
  /** For Azure. */
  storageAccessKey?: SecretText;
}

/** The key `backup`. */
export interface BackupInput extends StoreInput {
  /** Start of base backups: five-field cron, UTC. */
  schedule: string;
  /** Number of full backups to keep, with the WAL since the oldest of them. */
  retain?: number;
  /** Seconds after which a partly filled segment is archived. */
  archiveTimeout?: number;
  /** Seconds without a byte after which a segment's transfer is retried. */
  archiveDeadline?: number;
  /** `zstd` stores about a quarter less than `lz4` but takes more CPU. */
  compression?: "lz4" | "zstd";
  /** Credentials for the store. */
  credentials?: CredentialsInput & {
    /** Annotations that give the pods' ServiceAccount a cloud identity. */
    serviceAccountAnnotations?: Record<string, string>;
  };
}

/** The key `restore`. */
export interface RestoreInput {
  /** Identifies the request; never reuse an id. */
  id: string | number;
  /** Restore target. Required, except for `undo`. */
  to?: TargetInput;
  /** Archive of another database, in the same kind of store. */
  from?: string;
  /** Base backup to start from; default: the newest that ended before the target. */
  backup?: string;
  /** Timeline to follow. */
  timeline?: number;
  /** False removes the previous data directory after the base backup that follows the restore. */
  keepOld?: boolean;
  /** True, with the same id, brings back the data directory from before that restore. */
  undo?: boolean;
  /** True proceeds although the check finds something doubtful. */
  force?: boolean;
}

/** The key `cloneFrom`: the source's archive. */
export interface CloneInput extends StoreInput {
  /** Restore target. */
  to?: TargetInput;
  /** Timeline of the source to follow. */
  timeline?: number;
  /** Credentials to read the source; default: those of `backup`. */
  credentials?: CredentialsInput;
}

/** The key `upgrade`. */
export interface UpgradeInput {
  /** Identifies the request; never reuse an id. */
  id?: string | number;
  /** `link` needs no time or space for the data; the other two copy the data first. */
  mode?: "link" | "clone" | "copy";
  /** True, not with `link`, keeps the old data directory on the volume for `undo`. */
  keepOld?: boolean;
  /** A base backup runs first, unless one ended within this many seconds. */
  backupMaxAge?: number;
  /** True, with the same id and the older version, brings back the data directory from before that upgrade. */
  undo?: boolean;
  /** True proceeds although the check finds something doubtful. */
  force?: boolean;
  /** True, also on its own, rebuilds at boot the indexes that another glibc or ICU version sorts differently. */
  reindexCollations?: boolean;
}

/** The key `access`. */
export interface AccessInput {
  /** The application's role, which owns its database. */
  role?: string;
  /** The application's database; default: the role's name. */
  database?: string;
  /** Type of the client Service. */
  serviceType?: "ClusterIP" | "LoadBalancer" | "NodePort";
  /** Annotations of the client Service, for load balancers. */
  serviceAnnotations?: Record<string, string>;
}

/** The key `placement`. */
export interface PlacementInput {
  /** Namespace of all objects; default: `<project>-<stack>-<database>`. */
  namespace?: string;
  /** False if the namespace already exists. */
  createNamespace?: boolean;
  /** Whether pods may run on nodes that the cloud can reclaim. */
  spot?: "any" | "avoid" | "require";
  /** An existing PriorityClass. */
  priorityClassName?: string;
  /** Labels that the node must have. */
  nodeSelector?: Record<string, string>;
  /** Existing Secrets of the namespace, for an image in a private registry. */
  imagePullSecrets?: string[];
}

/** The key `review`. */
export interface ReviewInput {
  /** Dangerous effects that a review accepts. */
  allow?: {
    /** The effect, as the review's table names it. */
    effect: Dangerous;
    /** Last day of the exception, UTC: `2026-12-31`. */
    until: string;
    /** The reason, for reviewers. */
    why: string;
  }[];
}
