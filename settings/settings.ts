import type * as pulumi from "@pulumi/pulumi";
import type { AccessInput, ImageInput, PlacementInput } from "./input";
import type { Major } from "./major";
import type { PrefixVariable } from "./prefix";

/** A stack's settings, checked and worked out: what the image and the instance are made from. */
export interface Settings {
  /** The data goes with the stack: nothing is protected. */
  readonly disposable: boolean;
  /** What is built and pushed, or what is taken as it is. */
  readonly image: ImageSettings;
  /** The claim that holds the data. */
  readonly volume: {
    /** 2.5 times `dataSize`, whole Mi: `2560Mi`. */
    readonly claimSize: string;
    /** The cluster's default when left out. */
    readonly storageClass?: string;
  };
  /** The server. */
  readonly postgres: PostgresSettings;
  /** None: plain PostgreSQL, nothing is archived. */
  readonly backup?: BackupSettings;
  /** A restore, a clone or an upgrade that is asked for. */
  readonly request?: RequestSettings;
  /** Role and database of the application, and how clients reach them. */
  readonly access: Required<AccessInput>;
  /** Where its pods run. */
  readonly placement: PlacementInput &
    Required<Pick<PlacementInput, "namespace" | "createNamespace" | "spot">>;
  /** Seconds that the pod may take to stop. */
  readonly gracePeriodSeconds: number;
  /** Size of `/dev/shm`, a Kubernetes quantity. */
  readonly sharedMemory: string;
}

/** An image that somebody built before, or one that `pulumi up` builds from `docker-context/` and pushes. */
export type ImageSettings = ExistingImage | BuiltImage;

export interface ExistingImage {
  /** Full reference; with a digest (`repository@sha256:...`) it can never mean another image. */
  readonly ref: string;
}

export interface BuiltImage {
  /** Where it is pushed, with the registry's host, without a tag: `registry.example.com/team/postgres`. */
  readonly repository: string;
  /** One platform: what the cluster's nodes run. */
  readonly platform: "linux/amd64" | "linux/arm64";
  /** The official image of the major, pinned by digest. */
  readonly baseImage: string;
  /** The WAL-G release asset (bare binary or tarball) and its SHA-256. */
  readonly walg: NonNullable<ImageInput["walg"]>;
  /** For the push; left out where the Docker client is logged in already. */
  readonly credentials?: {
    /** Who pushes. */
    readonly username: string;
    /** Password or token: a secret. */
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
  /** Derived values and the stack's own, by PostgreSQL's names, as text that PostgreSQL reads. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those of them that only a restart changes. */
  readonly restartSettings: Readonly<Record<string, string>>;
  /** The file for conf.d with all of them. */
  readonly conf: string;
}

export interface BackupSettings {
  /**
   * Where segments and base backups go, without the major and without a trailing slash: `s3://bucket/path`. For `file://`
   * the path alone, as WAL-G wants it.
   */
  readonly prefix: string;
  /** Which variable names the store: it also says which kind of store it is. */
  readonly variable: PrefixVariable;
  /** WAL-G's settings that are no secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Five-field cron, UTC. */
  readonly schedule: string;
  /** Full backups kept. */
  readonly retain: number;
  /** Seconds after which a segment that isn't full is archived all the same. */
  readonly archiveTimeout: number;
  /** Seconds that the upload of one segment may take. */
  readonly archiveDeadline: number;
  /** Neither where the cloud gives the ServiceAccount an identity. */
  readonly credentials?: SecretValues;
  /** The key that segments and base backups are encrypted with; none: they are stored as they are. */
  readonly encryption?: SecretValues;
  /** The identity that the cloud gives, for IRSA and the like. */
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
  /** Memory of a base backup's job, a Kubernetes quantity. */
  readonly memory: string;
  /** CPUs that a base backup's job may use, a Kubernetes quantity. */
  readonly cpu: string;
}

/**
 * Values by the variable's name, for a Secret of our own; or the name of a Secret that exists, with keys named like the
 * variables (for `gs://`: `key.json`).
 */
export type SecretValues =
  | {
      /** A Secret that exists. */
      readonly secretName: string;
    }
  | {
      /** By the variable's name. */
      readonly data: Readonly<Record<string, pulumi.Output<string>>>;
    };

export interface RequestSettings {
  /**
   * The image's command that checks it before anything changes, and reports what came of it afterwards. None for what boots
   * do at any time when they are allowed to.
   */
  readonly command?: "restore.sh" | "upgrade.sh";
  /** `RESTORE_*`, `CLONE_*` or `PG_UPGRADE*` variables of the container that are no secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Minutes that an update waits for the server to be ready again. */
  readonly patienceMinutes: number;
  /** A clone's source, whose credentials take the place of the stack's own where there are any; its key always does. */
  readonly source?: {
    /** Which variable names the source's store. */
    readonly variable: PrefixVariable;
    /** To read the source; those of `backup` when left out. */
    readonly credentials?: SecretValues;
    /** The source's key. */
    readonly encryption?: SecretValues;
  };
}
