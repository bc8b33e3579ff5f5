import type * as pulumi from "@pulumi/pulumi";
import type { Major } from "./major";
import type { Dangerous } from "./review";

/** A Kubernetes quantity: `20Gi`, `500m`, or a plain number. */
export type Quantity = string | number;

/** A secret, encrypted in the state where it is given as one: `config.requireSecret(...)`. */
export type SecretText = string | pulumi.Output<string>;

/** Where a restore ends: `latest`, a time with its zone, or a position in the WAL. */
export type TargetInput =
  | string
  | {
      /** A position in the WAL: `0/3000060`. */
      lsn: string;
    }
  | {
      /** A transaction that is the last one. */
      xid: string | number;
    }
  | {
      /** A restore point. */
      name: string;
    };

/**
 * What a program may say of one database: the keys of a stack's file. docs/settings.md has the defaults and limits of each; schema.ts
 * checks them.
 */
export interface DatabaseInput {
  /** Data that the database may grow to; the volume is 2.5 times that. */
  dataSize: Quantity;
  /** Storage class of the volume, chosen once; the cluster's default when left out. */
  storageClass?: string;
  /** The data goes with the stack and nothing is protected; for development and tests. */
  disposable?: boolean;
  /** The environment says where images, backups and the namespace are; for development. */
  fromEnvironment?: boolean;
  /** Version, memory, CPUs, and settings of PostgreSQL. */
  postgres?: PostgresInput;
  /** `repository`, to build and push the image, or `ref`, one built before. */
  image: ImageInput;
  /** Where and when backups go; left out: nothing is archived. */
  backup?: BackupInput;
  /** A restore that is asked for, once for each id. */
  restore?: RestoreInput;
  /** Fills the empty volume from another database's archive. */
  cloneFrom?: CloneInput;
  /** A major upgrade that is asked for together with another version, once for each id. */
  upgrade?: UpgradeInput;
  /** Role and database of the application, and how clients reach them. */
  access?: AccessInput;
  /** Where its pods run. */
  placement?: PlacementInput;
  /** What a review of changes lets through; the program itself takes no notice of it. */
  review?: ReviewInput;
}

/** The key `postgres`. */
export interface PostgresInput {
  /** Major version. Another one needs `upgrade`. */
  version?: Major;
  /** Memory of the server's pod, request and limit. */
  memory?: Quantity;
  /** CPUs of the server's pod. */
  cpu?: Quantity;
  /** Any setting of PostgreSQL by its name, over what follows from memory and CPUs. */
  settings?: Record<string, string | number | boolean>;
}

/** The key `image`. */
export interface ImageInput {
  /** An image built before; nothing of Docker is needed then. By digest it can never mean another image. */
  ref?: string;
  /** Where the image is pushed, with the registry's host, without a tag: `registry.example.com/team/postgres`. */
  repository?: string;
  /** What the cluster's nodes run. */
  platform?: "linux/amd64" | "linux/arm64";
  /** Base image of the same major, for a mirror or where none is pinned. */
  baseImage?: string;
  /** WAL-G's release asset, for a mirror. */
  walg?: {
    /** Where it is downloaded. */
    url: string;
    /** Its checksum, 64 hex digits. */
    sha256: string;
  };
  /** For the push; left out where the Docker client is logged in already. */
  credentials?: {
    /** Who pushes. */
    username: string;
    /** Password or token. */
    password: SecretText;
  };
}

/** Where an archive lies, and how it is reached. */
export interface StoreInput {
  /** `s3://bucket/path`, `gs://`, `azure://` or, in a disposable stack, `file://`: a place of one database alone. */
  prefix: string;
  /** Address of an S3 server other than AWS. */
  endpoint?: string;
  /** S3 region. */
  region?: string;
  /** The bucket in the path instead of the host name: most S3 servers other than AWS. */
  forcePathStyle?: boolean;
  /** Azure's storage account. */
  storageAccount?: string;
  /** The key that segments and base backups are encrypted with; left out: they are stored as they are. */
  encryption?: {
    /** OpenPGP private key, as `gpg --armor --export-secret-keys` prints it. */
    pgpKey?: SecretText;
    /** The passphrase of `pgpKey`, if it has one. */
    pgpPassphrase?: SecretText;
    /** A libsodium key instead, 64 hex digits. */
    libsodiumKey?: SecretText;
    /** A Secret that exists instead. */
    secretName?: string;
  };
}

/** One kind of credentials of an object store; none where the cloud identifies the pods. */
export interface CredentialsInput {
  /** A Secret that exists. */
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
  /** When base backups begin: five-field cron, UTC. */
  schedule: string;
  /** Full backups kept, and the WAL since the oldest of them. */
  retain?: number;
  /** Seconds after which a segment is archived even when it isn't full. */
  archiveTimeout?: number;
  /** Seconds without a byte after which the transfer of a segment is tried again. */
  archiveDeadline?: number;
  /** `zstd` stores about a quarter less than `lz4` and takes more CPU. */
  compression?: "lz4" | "zstd";
  /** How the store is reached. */
  credentials?: CredentialsInput & {
    /** For an identity that the cloud gives to the pods' ServiceAccount. */
    serviceAccountAnnotations?: Record<string, string>;
  };
}

/** The key `restore`. */
export interface RestoreInput {
  /** Names the request: each id is used once. */
  id: string | number;
  /** Where it ends. Required, except for `undo`. */
  to?: TargetInput;
  /** Another database's archive in the same kind of store. */
  from?: string;
  /** Base backup to begin with; the newest that ended before the target when left out. */
  backup?: string;
  /** Timeline to follow. */
  timeline?: number;
  /** False: the data from before the restore are removed after the base backup that follows it. */
  keepOld?: boolean;
  /** True, with the same id: the data from before that restore come back. */
  undo?: boolean;
  /** True: what the check finds doubtful is no reason to refuse. */
  force?: boolean;
}

/** The key `cloneFrom`: the source's archive. */
export interface CloneInput extends StoreInput {
  /** Where it ends. */
  to?: TargetInput;
  /** Timeline of the source to follow. */
  timeline?: number;
  /** To read the source; those of `backup` when left out. */
  credentials?: CredentialsInput;
}

/** The key `upgrade`. */
export interface UpgradeInput {
  /** Names the request: each id is used once. */
  id?: string | number;
  /** `link` needs no time and room for the data; the other two copy them first. */
  mode?: "link" | "clone" | "copy";
  /** True, not with `link`: the old data stay on the volume, for `undo`. */
  keepOld?: boolean;
  /** A base backup is taken first, unless one has ended within so many seconds. */
  backupMaxAge?: number;
  /** True, with the same id and the older version: back to the data from before that upgrade. */
  undo?: boolean;
  /** True: what the check finds doubtful is no reason to refuse. */
  force?: boolean;
  /** True, also alone: indexes that another glibc or ICU sorts otherwise are rebuilt at boot. */
  reindexCollations?: boolean;
}

/** The key `access`. */
export interface AccessInput {
  /** The application's role, owner of its database. */
  role?: string;
  /** The application's database; named like the role when left out. */
  database?: string;
  /** Service for clients. */
  serviceType?: "ClusterIP" | "LoadBalancer" | "NodePort";
  /** Annotations of that Service, for load balancers. */
  serviceAnnotations?: Record<string, string>;
}

/** The key `placement`. */
export interface PlacementInput {
  /** Namespace of everything: `<project>-<stack>-<database>` when left out. */
  namespace?: string;
  /** False: the namespace exists already. */
  createNamespace?: boolean;
  /** Nodes that the cloud may take back. */
  spot?: "any" | "avoid" | "require";
  /** A PriorityClass that exists. */
  priorityClassName?: string;
  /** Labels that the node must have. */
  nodeSelector?: Record<string, string>;
  /** Secrets that exist in the namespace, for an image in a private registry. */
  imagePullSecrets?: string[];
}

/** The key `review`. */
export interface ReviewInput {
  /** Dangerous effects that a review lets through. */
  allow?: {
    /** The effect, as the review's table names it. */
    effect: Dangerous;
    /** The last day, UTC, on which it counts: `2026-12-31`. */
    until: string;
    /** For those who read the review. */
    why: string;
  }[];
}
