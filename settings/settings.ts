import type * as pulumi from "@pulumi/pulumi";
import type { PREFIX_VARIABLES } from "./prefix";
import type { StackConfig } from "./schema";

/** A stack's settings, checked and worked out: what the image and the instance are made from. */
export interface Settings {
  /** The data goes with the stack: nothing is protected. */
  readonly disposable: boolean;
  readonly image: ImageSettings;
  readonly volume: {
    /** 2.5 times `dataSize`, whole Mi: `2560Mi`. */
    readonly claimSize: string;
    readonly storageClass?: string;
  };
  readonly postgres: PostgresSettings;
  /** None: plain PostgreSQL, nothing is archived. */
  readonly backup?: BackupSettings;
  readonly access: StackConfig["access"] & { readonly database: string };
  readonly placement: StackConfig["placement"];
  /** Seconds that the pod may take to stop. */
  readonly gracePeriodSeconds: number;
  /** Size of `/dev/shm`, a Kubernetes quantity. */
  readonly sharedMemory: string;
}

/** An image built before, or what to build one from. */
export type ImageSettings =
  | { readonly ref: string }
  | {
      readonly repository: string;
      readonly platform: "linux/amd64" | "linux/arm64";
      readonly baseImage: string;
      readonly walg: { readonly url: string; readonly sha256: string };
      readonly credentials?: { readonly username: string; readonly password: pulumi.Output<string> };
    };

export interface PostgresSettings {
  readonly version: 18;
  /** Kubernetes quantities. */
  readonly memory: string;
  readonly cpu: string;
  /** Derived values and the stack's own, by PostgreSQL's names, as text that PostgreSQL reads. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those of them that only a restart changes. */
  readonly restartSettings: Readonly<Record<string, string>>;
  /** The file for conf.d with all of them. */
  readonly conf: string;
}

export interface BackupSettings {
  /** Without the major and without a trailing slash; for `file://` the path alone, as WAL-G wants it. */
  readonly prefix: string;
  readonly variable: (typeof PREFIX_VARIABLES)[keyof typeof PREFIX_VARIABLES];
  /** Variables for WAL-G, none of them secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** Five-field cron, UTC. */
  readonly schedule: string;
  /** Full backups kept. */
  readonly retain: number;
  /** Seconds. */
  readonly archiveTimeout: number;
  readonly archiveDeadline: number;
  /** A Secret that exists, or variables for one of our own; none with an identity from the cloud. */
  readonly credentials?:
    | { readonly secretName: string }
    | { readonly data: Readonly<Record<string, pulumi.Output<string>>> };
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
  /** Memory limit of a base backup's job, a Kubernetes quantity. */
  readonly memory: string;
}
