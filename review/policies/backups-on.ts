import { at, containersOf, DATABASE_LABELS, hasLabels, isDisposable, kindOf, variable } from "./kubernetes";
import { type Resource, type StackPolicy, UNKNOWN } from "./policy";

interface Config {
  readonly labels: Readonly<Record<string, string>>;
  readonly variables: readonly string[];
}

/** Without an archive, a lost volume means lost data; without base backups, an archive is worthless. */
export const backupsOn: StackPolicy<Config> = {
  name: "backups-on",
  description: "A database archives and takes base backups, unless its stack is disposable.",
  defaults: {
    labels: DATABASE_LABELS,
    variables: ["WALG_S3_PREFIX", "WALG_GS_PREFIX", "WALG_AZ_PREFIX"],
  },
  schema: {
    labels: { type: "object", description: "Which StatefulSets are databases." },
    variables: {
      type: "array",
      items: { type: "string" },
      description: "Variables of their containers of which one says where the archive is.",
    },
  },
  checkAll(resources, { labels, variables }) {
    return resources
      .filter((it) => kindOf(it) === "StatefulSet" && hasLabels(it, labels) && !isDisposable(it))
      .flatMap((database) => {
        const archives = containersOf(database).some((it) =>
          variables.some((name) => variable(it, name) !== undefined),
        );
        const scheduled = resources.some((it) => isSchedule(it, database, variables));
        const missing = [
          ...(archives ? [] : [`archives nothing (no ${variables.join(", ")})`]),
          ...(scheduled ? [] : ["has no CronJob that takes its base backups"]),
        ];
        const [first, ...rest] = missing;
        return first === undefined
          ? []
          : [
              {
                urn: database.urn,
                message: `${[first, ...rest].join(" and ")}: give the stack a backup, or make it disposable.`,
              },
            ];
      });
  },
};

/** A CronJob of the same instance and namespace that is not suspended and knows the archive. */
function isSchedule(resource: Resource, database: Resource, variables: readonly string[]): boolean {
  const same = (...path: string[]) => {
    const [its, mine] = [at(resource.props, "metadata", ...path), at(database.props, "metadata", ...path)];
    return its === mine || its === UNKNOWN || mine === UNKNOWN;
  };
  return (
    kindOf(resource) === "CronJob" &&
    same("namespace") &&
    same("labels", "app.kubernetes.io/instance") &&
    at(resource.props, "spec", "suspend") !== true &&
    containersOf(resource).some((it) => variables.some((name) => variable(it, name) !== undefined))
  );
}
