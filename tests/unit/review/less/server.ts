import type { Tree } from "../../settings/stack";
import type { Surroundings } from "../changes";
import { guc, type LessProtection, mild } from "./less";

const DIGEST =
  "registry.example.com/data/postgres-stack@sha256:1111111111111111111111111111111111111111111111111111111111111111";
const prebuilt = (ref: string): Tree => ({
  image: { repository: undefined, baseImage: undefined, walg: undefined, ref },
});

/** Less that keeps the data, or the server from coming back. */
export const SERVER = (here: Surroundings): LessProtection[] => [
  // what keeps the data and the server
  {
    what: "data that may go with the stack",
    config: { disposable: true },
    rows: [
      ["no longer protected", /PersistentVolumeClaim postgres-data `protect`: taken away/],
      ["no longer protected", /PersistentVolumeClaim postgres-data `retainOnDelete`: taken away/],
      ["no longer protected", /StatefulSet postgres `protect`: taken away/],
      ["backups begin anew", /StatefulSet postgres `backup.prefix`/],
    ],
    says: /from deleting it any more/,
    both: true,
  },
  {
    what: "data of a disposable stack that are to be kept",
    before: { disposable: true },
    config: { disposable: false },
    rows: [["backups begin anew", /StatefulSet postgres `backup.prefix`/]],
    says: /until its first base backup is done/,
    both: true,
  },
  {
    what: "spot nodes as well",
    before: { placement: { spot: "avoid" } },
    config: { placement: { spot: "any" } },
    rows: [["may be interrupted", /StatefulSet postgres `placement.spot`: `avoid` → `any`/]],
    says: /the cloud may take its node back at any time/,
    ...mild,
  },
  {
    what: "spot nodes alone",
    config: { placement: { spot: "require" } },
    rows: [["may be interrupted", /StatefulSet postgres `placement.spot`: `any` → `require`/]],
    says: /the cloud may take its node back at any time/,
    ...mild,
  },
  {
    what: "no priority class any more",
    before: { placement: { priorityClassName: "production-database" } },
    config: { placement: { priorityClassName: undefined } },
    rows: [
      [
        "may be interrupted",
        /StatefulSet postgres `placement.priorityClassName`: `production-database` → none/,
      ],
    ],
    says: /pods of a higher priority may push it off/,
    ...mild,
  },
  {
    what: "an image by its tag",
    before: prebuilt(DIGEST),
    config: prebuilt(here.tested),
    rows: [["floating image", /StatefulSet postgres image by tag/]],
    says: /may mean another image tomorrow/,
    ...mild,
  },
  {
    what: "a base image by its tag",
    before: { image: { baseImage: `${here.baseImage}@sha256:${"1".repeat(64)}` } },
    config: { image: { baseImage: here.baseImage } },
    rows: [
      ["floating image", /Image postgres `BASE_IMAGE` by tag/],
      ["new image", /StatefulSet postgres/],
    ],
    says: /each build may find another image under the tag/,
    ...mild,
  },
  {
    what: "a restore that keeps nothing",
    config: { restore: { id: "tuesday", to: "latest", keepOld: false } },
    rows: [["restore", /StatefulSet postgres .*`RESTORE_KEEP_OLD`: none → `false`/]],
    says: /are removed \(keepOld: false\), and there is no way back to them/,
    both: true,
  },

  // whether the server comes back
  {
    what: "a zone for the server",
    config: { placement: { nodeSelector: { "topology.kubernetes.io/zone": "eu-central-1c" } } },
    rows: [["may not serve", /StatefulSet postgres `nodeSelector.topology.kubernetes.io\/zone`: none/]],
    says: /the pod waits for ever/,
  },
  {
    what: "an image for other machines than its nodes",
    before: { placement: { nodeSelector: { "kubernetes.io/arch": "amd64" } } },
    config: { image: { platform: "linux/arm64" } },
    rows: [
      ["may not serve", /StatefulSet postgres `image.platform`: .* → `linux\/arm64`/],
      ["new image", /StatefulSet postgres/],
    ],
    says: /the nodes are amd64.*exec format error/,
  },
  {
    what: "other machines",
    before: { image: { platform: "linux/amd64" } },
    config: { image: { platform: "linux/arm64" } },
    rows: [["may not serve", /StatefulSet postgres `image.platform`: `linux\/amd64` → `linux\/arm64`/]],
    says: /exec format error/,
    both: true,
  },
  {
    what: "memory that few nodes have",
    config: { postgres: { memory: "2Ti" } },
    rows: [["may not serve", /StatefulSet postgres `resources.limits.memory`: `512Mi` → `2Ti`/]],
    says: /where no node beside the volume has it, the pod waits for ever/,
    both: true,
  },
  guc("synchronous_standby_names", "*", "may not serve", /every commit waits .* for ever/, { both: true }),
  guc("default_transaction_read_only", true, "may not serve", /every statement that writes is refused/),
  guc("statement_timeout", "5ms", "may not serve", /nearly every statement is cut off/),
  guc("transaction_timeout", "10ms", "may not serve", /nearly every statement is cut off/),
];
