import {
  container,
  ENDS,
  job,
  type ProgramEdit,
  SCHEDULE,
  SERVER,
  tool,
  variable,
  within,
  without,
} from "./edit";

/** Base backups. */
export const BACKUPS: readonly ProgramEdit[] = [
  {
    what: "a suspended schedule",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.suspend = true;
    }),
    is: ENDS,
  },
  {
    what: "segments that are archived only when they are full",
    of: SERVER,
    edit: container(variable("ARCHIVE_TIMEOUT", "0")),
    is: "acknowledged commits may be lost",
  },
  {
    what: "another command of backups",
    of: SCHEDULE,
    edit: tool((it) => {
      it.args = ["true"];
    }),
    is: ENDS,
  },
  {
    what: "backups under another identity",
    of: SCHEDULE,
    edit: job((it) => {
      it.serviceAccountName = "other";
    }),
    is: ENDS,
  },
  {
    what: "another image for backups",
    of: SCHEDULE,
    edit: tool((it) => {
      it.image = "busybox";
    }),
    is: ENDS,
  },
  { what: "backups of other data", of: SCHEDULE, edit: tool(variable("PGDATA", "/tmp")), is: ENDS },
  {
    what: "backups to elsewhere",
    of: SCHEDULE,
    edit: tool(variable("WALG_S3_PREFIX", "s3://elsewhere")),
    is: ENDS,
  },
  {
    what: "backups without credentials",
    of: SCHEDULE,
    edit: tool((it) => {
      it.env = without("AWS_ACCESS_KEY_ID_FILE", it.env);
    }),
    is: ENDS,
  },
  {
    what: "backups without their volume",
    of: SCHEDULE,
    edit: job((it) => {
      it.volumes = without("data", it.volumes);
    }),
    is: ENDS,
  },
  {
    what: "backups on other nodes",
    of: SCHEDULE,
    edit: job((it) => {
      it.nodeSelector = { zone: "b" };
    }),
    is: ENDS,
  },
  {
    what: "backups away from the server",
    of: SCHEDULE,
    edit: job((it) => {
      delete it.affinity;
    }),
    is: ENDS,
  },
  {
    what: "a minute for a backup",
    of: SCHEDULE,
    edit: within("spec.jobTemplate.spec", (it) => {
      it.activeDeadlineSeconds = 60;
    }),
    is: ENDS,
  },
  {
    what: "no memory for a backup",
    of: SCHEDULE,
    edit: tool((it) => {
      it.resources.limits.memory = "1Mi";
    }),
    is: ENDS,
  },
  {
    what: "backups that are tidied up sooner",
    of: SCHEDULE,
    edit: within("spec.jobTemplate.spec", (it) => {
      it.ttlSecondsAfterFinished = 60;
    }),
    is: "nothing",
  },
  {
    what: "a schedule in another time zone",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.timeZone = "Asia/Tokyo";
    }),
    is: "nothing",
  },
  {
    what: "a schedule that a late second skips",
    of: SCHEDULE,
    edit: within("spec", (it) => {
      it.startingDeadlineSeconds = 1;
    }),
    is: ENDS,
  },
  { what: "the first backup gone", of: "Job postgres-first-backup", is: "longer between backups" },
  {
    what: "another command of the first backup",
    of: "Job postgres-first-backup",
    edit: container((it) => {
      it.args = ["true"];
    }),
    is: "longer between backups",
  },
];
