import { container, options, type ProgramEdit, REPLACED, SERVER, within } from "./edit";

/** What an update checks, and how resources are treated. */
export const UPDATES: readonly ProgramEdit[] = [
  // what an update checks
  { what: "no check of settings", of: "Job postgres-check", is: "checks are off" },
  { what: "no check of the archive", of: "Job postgres-archive-check", is: "checks are off" },
  {
    what: "another command of a check",
    of: "Job postgres-check",
    edit: container((it) => {
      it.args = ["true"];
    }),
    is: "checks are off",
  },
  { what: "settings that are not applied", of: "Job postgres-apply", is: "checks are off" },
  {
    what: "settings that nobody may change",
    of: "ConfigMap postgres-conf",
    edit: within("", (it) => {
      it.immutable = true;
    }),
    is: "unknown",
  },
  {
    what: "a second file of settings",
    of: "ConfigMap postgres-conf",
    edit: within("data", (it) => {
      it["zz.conf"] = "fsync = off";
    }),
    is: "unknown",
  },
  {
    what: "a line that no setting is written as",
    of: "ConfigMap postgres-conf",
    edit: within("data", (it) => {
      it["postgres-stack.conf"] += "fsync = off\n";
    }),
    is: "unknown",
  },

  // options of a resource
  { what: "protect gone", of: SERVER, edit: options({ protect: false }), is: "no longer protected" },
  {
    what: "a claim that any edit replaces",
    of: "PersistentVolumeClaim postgres-data",
    edit: (it) => {
      options({ replaceOnChanges: ["*"] })(it);
      within("metadata.annotations", (at) => {
        at.team = "a";
      })(it);
    },
    is: REPLACED,
  },
  {
    what: "a server that any edit replaces",
    of: SERVER,
    edit: (it) => {
      options({ replaceOnChanges: ["spec.template"] })(it);
      container((at) => {
        at.ports[0].name = "other";
      })(it);
    },
    is: REPLACED,
  },
  {
    what: "a claim that edits do not reach",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ ignoreChanges: ["spec"] }),
    is: "unknown",
    commitsAlone: true,
  },
  {
    what: "a claim that a later edit would replace",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ replaceOnChanges: ["*"] }),
    is: "no longer protected",
    commitsAlone: true,
  },
  {
    what: "the claim's hook gone",
    of: "PersistentVolumeClaim postgres-data",
    edit: options({ hooks: [] }),
    is: "checks are off",
    commitsAlone: true,
  },
  {
    what: "the server's hook gone",
    of: SERVER,
    edit: options({ hooks: [] }),
    is: "checks are off",
    commitsAlone: true,
  },

  // orders to the provider, on an object that is kept
  {
    what: "a claim that is taken by force",
    of: "PersistentVolumeClaim postgres-data",
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/patchForce"] = "true";
    }),
    is: "checks are off",
  },
  {
    what: "a server that is replaced when it is not ready",
    of: SERVER,
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/replaceUnready"] = "true";
    }),
    is: "unknown",
  },
  {
    what: "another owner of the fields",
    of: "PersistentVolumeClaim postgres-data",
    edit: within("metadata.annotations", (it) => {
      it["pulumi.com/patchFieldManager"] = "me";
    }),
    is: "checks are off",
  },
];
