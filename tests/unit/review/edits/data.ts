import {
  container,
  mount,
  type ProgramEdit,
  pod,
  REPLACED,
  SERVER,
  STUCK,
  variable,
  within,
  without,
} from "./edit";

/** Where the data are, and the way to the server. */
export const DATA: readonly ProgramEdit[] = [
  {
    what: "a subPath of the data",
    of: SERVER,
    edit: mount("data", (it) => {
      it.subPath = "a";
    }),
    is: REPLACED,
  },
  {
    what: "the data mounted elsewhere",
    of: SERVER,
    edit: mount("data", (it) => {
      it.mountPath = "/data";
    }),
    is: REPLACED,
  },
  {
    what: "the data's mount gone",
    of: SERVER,
    edit: container((it) => {
      it.volumeMounts = without("data", it.volumeMounts);
    }),
    is: REPLACED,
  },
  {
    what: "another folder of the data",
    of: SERVER,
    edit: container(variable("PGDATA", "/var/lib/postgresql/data")),
    is: "unknown",
  },
  {
    what: "the data read-only",
    of: SERVER,
    edit: mount("data", (it) => {
      it.readOnly = true;
    }),
    is: STUCK,
  },
  {
    what: "a volume over the data",
    of: SERVER,
    edit: pod((it) => {
      it.volumes.push({ name: "more", emptyDir: {} });
      it.containers[0].volumeMounts.push({ name: "more", mountPath: "/var/lib/postgresql/18" });
    }),
    is: "unknown",
  },

  // the way to the server
  {
    what: "another selector",
    of: "Service postgres-client",
    edit: within("spec.selector", (it) => {
      it.other = "yes";
    }),
    is: "disconnect",
  },
  {
    what: "another name's Service",
    of: "Service postgres-client",
    edit: within("spec", (it) => {
      it.type = "ExternalName";
      it.externalName = "elsewhere";
    }),
    is: "disconnect",
  },
];
