import type * as pulumi from "@pulumi/pulumi";
import type { AccessInput, ImageInput, PlacementInput } from "./input";
import type { Major } from "./major";
import type { PrefixVariable } from "./prefix";

/** A stack's settings, checked and resolved: the input of the image and the instance. */
export interface Settings {
  /** Data is deleted with the stack; nothing is protected. */
  readonly disposable: boolean;
  /** The image to build and push, or an existing one. */
  readonly image: ImageSettings;
  /** The claim that holds the data. */
  readonly volume: {
    /** 2.5 times `dataSize`, whole Mi: `2560Mi`. */
    readonly claimSize: string;
    /** Default: the cluster's. */
    readonly storageClass?: string;
  };
  /** The server. */
  readonly postgres: PostgresSettings;
  /** Undefined: plain PostgreSQL without archiving. */
  readonly backup?: BackupSettings;
  /** A request for a restore, a clone or an upgrade. */
  readonly request?: RequestSettings;
  /** The application's role and database, and how clients reach them. */
  readonly access: Required<AccessInput>;
  /** Where the pods run. */
  readonly placement: PlacementInput &
    Required<Pick<PlacementInput, "namespace" | "createNamespace" | "spot">>;
  /** Seconds that the pod may take to stop. */
  readonly gracePeriodSeconds: number;
  /** Size of `/dev/shm`, a Kubernetes quantity. */
  readonly sharedMemory: string;
}

/** An existing image, or one that `pulumi up` builds from `docker-context/` and pushes. */
export type ImageSettings = ExistingImage | BuiltImage;

export interface ExistingImage {
  /** Full reference; a digest (`repository@sha256:...`) pins it. */
  readonly ref: string;
}

export interface BuiltImage {
  /** Repository to push to, with the registry's host and no tag: `registry.example.com/team/postgres`. */
  readonly repository: string;
  /** Exactly one: the platform of the cluster's nodes. */
  readonly platform: "linux/amd64" | "linux/arm64";
  /** The major's official image, pinned by digest. */
  readonly baseImage: string;
  /** The WAL-G release asset (bare binary or tarball) and its SHA-256. */
  readonly walg: NonNullable<ImageInput["walg"]>;
  /** Credentials for the push; undefined if the Docker client is already logged in. */
  readonly credentials?: {
    /** User name. */
    readonly username: string;
    /** Password or token, a secret. */
    readonly password: pulumi.Output<string>;
  };
}

export interface PostgresSettings {
  /** Major version. */
  readonly version: Major;
  /** Memory of the pod, a Kubernetes quantity. */
  readonly memory: string;
  /** CPUs of the pod, a Kubernetes quantity. */
  readonly cpu: string;
  /** Derived values and the stack's own, by PostgreSQL's names, as text for PostgreSQL. */
  readonly settings: Readonly<Record<string, string>>;
  /** The subset that only a restart changes. */
  readonly restartSettings: Readonly<Record<string, string>>;
  /** The file for conf.d with all settings. */
  readonly conf: string;
}

export interface BackupSettings {
  /**
   * Location of segments and base backups, without the major and a trailing slash: `s3://bucket/path`. For `file://`
   * only the path, as WAL-G expects it.
   */
  readonly prefix: string;
  /** The variable for the prefix, which also identifies the kind of store. */
  readonly variable: PrefixVariable;
  /** WAL-G's settings that aren't secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Five-field cron, UTC. */
  readonly schedule: string;
  /** Full backups kept. */
  readonly retain: number;
  /** Seconds after which a partly filled segment is archived. */
  readonly archiveTimeout: number;
  /** Seconds without a byte after which a segment's transfer is retried. */
  readonly archiveDeadline: number;
  /** Undefined if the cloud gives the ServiceAccount an identity. */
  readonly credentials?: SecretValues;
  /** Encryption key for segments and base backups; without it they are stored unencrypted. */
  readonly encryption?: SecretValues;
  /** The cloud's identity, for IRSA and the like. */
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
  /** Memory of a base backup's job, a Kubernetes quantity. */
  readonly memory: string;
  /** CPUs that a base backup's job may use, a Kubernetes quantity. */
  readonly cpu: string;
}

/**
 * Values by variable name, for a Secret of ours; or the name of an existing Secret whose keys are the variables' names
 * (for `gs://`: `key.json`).
 */
export type SecretValues =
  | {
      /** An existing Secret. */
      readonly secretName: string;
    }
  | {
      /** By variable name. */
      readonly data: Readonly<Record<string, pulumi.Output<string>>>;
    };

export interface RequestSettings {
  /**
   * The image's command that checks the request before anything changes and reports its outcome afterwards. Undefined for work
   * that any boot may do once it is allowed to.
   */
  readonly command?: "restore.sh" | "upgrade.sh";
  /** The container's `RESTORE_*`, `CLONE_*` or `PG_UPGRADE*` variables that aren't secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Minutes that an update waits for the server to become ready. */
  readonly patienceMinutes: number;
  /** A clone's source. Its credentials, if any, replace the stack's own; its key always does. */
  readonly source?: {
    /** The variable that names the source's store. */
    readonly variable: PrefixVariable;
    /** Credentials to read the source; default: those of `backup`. */
    readonly credentials?: SecretValues;
    /** The source's key. */
    readonly encryption?: SecretValues;
  };
}
