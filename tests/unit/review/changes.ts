import type { Effect } from "../../../review/effects";
import type { Tree } from "../settings/stack";
import type { Edit } from "./edit";

/** A change that somebody may propose, and the rows that a review must have for it. */
export interface Change {
  readonly what: string;
  /** Laid over the stack's settings before the change, and not taken away by it. */
  readonly before?: Tree;
  /** Laid over the stack's settings. */
  readonly config?: Tree;
  readonly edits?: readonly Edit[];
  /** The worst first; none: no row at all. */
  readonly rows: readonly (readonly [effect: Effect, change: RegExp])[];
  /** Where the provider knows more than two versions of the program. */
  readonly live?: Change["rows"];
  /** How a preview of a stack whose data are kept words its refusal. */
  readonly refusal?: RegExp;
}

/** Where the stack of these changes lives. */
export interface Surroundings {
  readonly repository: string;
  readonly baseImage: string;
  readonly otherBaseImage: string;
  /** Of the next major. */
  readonly nextBaseImage: string;
  readonly walg: { readonly url: string; readonly sha256: string };
  readonly prefix: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly namespace: string;
  /** A class that is not the default one. */
  readonly otherClass: string;
  readonly kubeconfig: string;
  /** An image that was built before. */
  readonly tested: string;
}

/** The stack that is changed: small, with backups, its data kept. */
export function stackSettings(here: Surroundings): Tree {
  const { repository, baseImage, walg, prefix, endpoint, accessKeyId, secretAccessKey, namespace } = here;
  return {
    dataSize: "1Gi",
    postgres: { memory: "512Mi", cpu: "500m" },
    image: { repository, baseImage, walg },
    backup: {
      prefix,
      endpoint,
      forcePathStyle: true,
      schedule: "0 3 1 1 *",
      archiveTimeout: 10,
      credentials: { accessKeyId, secretAccessKey },
    },
    placement: { namespace, spot: "any" },
  };
}

const settings = (values: Tree): Tree => ({ postgres: { settings: values } });

/** The changes of everyday life and of bad days, by what somebody would call them. */
export function changes(here: Surroundings): Change[] {
  return [
    {
      what: "a comment in a script",
      edits: [["docker-context/scripts/pre-stop.sh", undefined, "# a comment\n"]],
      rows: [
        ["new image", /StatefulSet postgres .*`image`: `18-\w{12}` → `18-\w{12}`/],
        ["nothing", /Image postgres .*files of the image/],
      ],
    },
    { what: "a comment in TypeScript", edits: [["index.ts", undefined, "// a comment\n"]], rows: [] },
    {
      what: "work_mem",
      config: settings({ work_mem: "7MB" }),
      rows: [["reload", /`work_mem`: `\d+kB` → `7MB`/]],
    },
    {
      what: "shared_buffers",
      config: settings({ shared_buffers: "96MB" }),
      rows: [
        ["restart", /`shared_buffers`: `\d+MB` → `96MB`/],
        ["restart", /StatefulSet postgres .*settings that need a restart/],
      ],
    },
    {
      what: "a setting that PostgreSQL rejects",
      config: settings({ shared_preload_libraries: "no_such_library" }),
      rows: [
        ["restart", /`shared_preload_libraries`: PostgreSQL's default → `no_such_library`/],
        ["nothing", /objects of the update itself .*postgres-conf-candidate/],
      ],
    },
    {
      what: "the base image",
      config: { image: { baseImage: here.otherBaseImage } },
      rows: [
        ["new image", /StatefulSet postgres .*`image`/],
        ["nothing", /Image postgres .*`BASE_IMAGE`: `.*` → `.*`/],
      ],
    },
    {
      what: "WAL-G's version",
      config: { image: { walg: { url: `${here.walg.url}?again` } } },
      rows: [
        ["new image", /StatefulSet postgres .*`image`/],
        ["nothing", /Image postgres .*`WALG_URL`: `.*` → `.*again/],
      ],
    },
    {
      what: "a greater dataSize",
      config: { dataSize: "2Gi" },
      rows: [
        ["growth", /PersistentVolumeClaim .*`size`: `2560Mi` → `(5120Mi|5Gi)`/],
        ["reload", /`max_wal_size`/],
      ],
    },
    {
      what: "a smaller dataSize",
      config: { dataSize: "512Mi" },
      rows: [["refused", /PersistentVolumeClaim postgres-data .*`size`: `2560Mi` → `1280Mi`/]],
      refusal: /the volume has 2560Mi and can't shrink to 1280Mi/,
    },
    {
      what: "another storage class",
      config: { storageClass: here.otherClass },
      rows: [["REPLACES THE DATABASE", /PersistentVolumeClaim postgres-data .*`spec.storageClassName`/]],
      refusal: /postgres-data.*protect/s,
    },
    {
      what: "another namespace",
      config: { placement: { namespace: `${here.namespace}-2` } },
      rows: [
        ["REPLACES THE DATABASE", /PersistentVolumeClaim .*`metadata.namespace`/],
        ["REPLACES THE DATABASE", /StatefulSet postgres .*`metadata.namespace`/],
        ["disconnect", /objects around StatefulSet postgres/],
      ],
      refusal: /postgres-data.*protect/s,
    },
    {
      what: "the claim's resource renamed without an alias",
      edits: [["k8s/volume.ts", "}-data`,", "}-volume`,"]],
      rows: [
        ["REPLACES THE DATABASE", /PersistentVolumeClaim postgres-data .*deleted/],
        ["nothing", /PersistentVolumeClaim postgres-volume .*created/],
      ],
      refusal: /postgres-data.*protect/s,
    },
    {
      what: "the claim's resource renamed with an alias",
      edits: [
        ["k8s/volume.ts", "}-data`,", "}-volume`,"],
        [
          "k8s/volume.ts",
          "dependsOn: space,",
          'dependsOn: space,\n      aliases: [{ name: name + "-data" }],',
        ],
      ],
      rows: [],
    },
    {
      what: "the backups' schedule",
      config: { backup: { schedule: "0 4 1 1 *" } },
      rows: [["nothing", /CronJob postgres-backup .*`backup.schedule`: `0 3 1 1 \*` → `0 4 1 1 \*`/]],
    },
    {
      what: "the backups' retention",
      config: { backup: { retain: 3 } },
      rows: [["backups are deleted", /CronJob postgres-backup .*`backup.retain`: `7` → `3`/]],
    },
    {
      what: "the backups' prefix",
      config: { backup: { prefix: `${here.prefix}-2` } },
      rows: [["backups begin anew", /StatefulSet postgres .*`backup.prefix`: `.*` → `.*-2`/]],
    },
    {
      what: "the backups' credentials",
      config: { backup: { credentials: { secretAccessKey: "another-key-that-nobody-may-see" } } },
      rows: [["access changes", /Secret postgres-object-store .*`AWS_SECRET_ACCESS_KEY`/]],
    },
    {
      what: "another database",
      config: { access: { database: "second" } },
      rows: [
        ["access changes", /StatefulSet postgres .*`access.database`: `app` → `second`/],
        ["nothing", /Secret postgres-app .*`database`/],
      ],
    },
    {
      what: "another password",
      edits: [["k8s/credentials.ts", "length: 32", "length: 33"]],
      rows: [
        ["password change", /RandomPassword postgres-app-password/],
        ["password change", /RandomPassword postgres-superuser-password/],
        ["restart", /StatefulSet postgres .*passwords/],
      ],
    },
    {
      what: "a restore",
      config: { restore: { id: "monday", to: "latest" } },
      rows: [
        ["restore", /StatefulSet postgres .*`RESTORE_ID`: none → `monday` and `RESTORE_TO`: none → `latest`/],
        ["nothing", /objects of the update itself .*Job postgres-preflight and Pod postgres-report/],
      ],
    },
    {
      what: "a clone into a stack that has data",
      config: { cloneFrom: { prefix: `${here.prefix}-of-another` } },
      rows: [["refused", /StatefulSet postgres .*`CLONE_FROM`: none → `.*-of-another\/18`/]],
    },
    {
      what: "a major upgrade",
      config: {
        postgres: { version: 19 },
        image: { baseImage: here.nextBaseImage },
        upgrade: { id: "to-19", mode: "copy", keepOld: true },
      },
      rows: [
        [
          "major upgrade",
          /StatefulSet postgres `PostgreSQL`: `18` → `19`, .*`upgrade.id`: none → `to-19`.* and `upgrade.mode`: none → `copy`/,
        ],
        ["new image", /StatefulSet postgres .*`image`: `18-\w{12}` → `19-\w{12}`/],
        ["nothing", /objects of the update itself .*Job postgres-preflight.* and Pod postgres-report/],
      ],
    },
    {
      what: "the next version without an upgrade",
      config: { postgres: { version: 19 }, image: { baseImage: here.nextBaseImage } },
      rows: [
        ["refused", /StatefulSet postgres `PostgreSQL`: `18` → `19`/],
        ["new image", /StatefulSet postgres .*`image`: `18-\w{12}` → `19-\w{12}`/],
      ],
      refusal: /PostgreSQL 19 opens them only after an upgrade: request one/,
    },
    {
      what: "leave to reindex what another base image sorts otherwise",
      config: { upgrade: { reindexCollations: true } },
      rows: [["restart", /StatefulSet postgres `upgrade.reindexCollations`: none → `true`/]],
    },
    {
      what: "a probe's timing",
      edits: [["k8s/probes.ts", '"readiness", { periodSeconds: 5', '"readiness", { periodSeconds: 6']],
      rows: [["restart", /StatefulSet postgres .*`readinessProbe.periodSeconds`: `5` → `6`/]],
    },
    {
      what: "a label",
      edits: [
        [
          "k8s/names.ts",
          '"app.kubernetes.io/name": "postgres",',
          '"app.kubernetes.io/name": "postgres",\n    team: "data",',
        ],
      ],
      rows: [
        ["restart", /StatefulSet postgres .*`metadata.labels.team`: none → `data`/],
        ["nothing", /PersistentVolumeClaim postgres-data.*`metadata.labels.team`/],
      ],
    },
    {
      what: "the memory limit",
      config: { postgres: { memory: "600Mi" } },
      rows: [
        ["restart", /StatefulSet postgres .*`memory`: `512Mi` → `600Mi`/],
        ["reload", /`effective_cache_size`/],
      ],
    },
    {
      what: "the priority class",
      config: { placement: { priorityClassName: "never-preempts" } },
      rows: [["restart", /StatefulSet postgres .*`priorityClassName`: none → `never-preempts`/]],
    },
    {
      what: "the kubeconfig in another place",
      config: { "kubernetes:kubeconfig": here.kubeconfig },
      rows: [["unknown", /kubernetes postgres-kept .*`kubeconfig`/]],
      live: [["nothing", /kubernetes postgres-kept .*`kubeconfig`/]],
    },
    {
      what: "image.ref in place of a build",
      config: {
        image: {
          repository: undefined,
          baseImage: undefined,
          walg: undefined,
          ref: here.tested,
        },
      },
      rows: [
        ["floating image", /StatefulSet postgres image by tag: `.*:18-\w+`/],
        ["new image", /StatefulSet postgres .*`image`: /],
        ["nothing", /Image postgres .*no longer built here/],
      ],
    },
  ];
}

/** Somewhere that need not exist: for versions of the program that are compared, and never run. */
export const NOWHERE: Surroundings = {
  repository: "registry.example.com/data/postgres-stack",
  baseImage: "registry.example.com/postgres:18",
  otherBaseImage: "registry.example.com/postgres:18.5",
  nextBaseImage: "registry.example.com/postgres:19",
  walg: { url: "https://example.com/wal-g", sha256: "0".repeat(64) },
  prefix: "s3://bucket/database",
  endpoint: "https://s3.example.com",
  accessKeyId: "id-that-nobody-may-see",
  secretAccessKey: "key-that-nobody-may-see",
  namespace: "database",
  otherClass: "fast",
  kubeconfig: "/elsewhere/kubeconfig",
  tested: "registry.example.com/data/postgres-stack:18-tested",
};
