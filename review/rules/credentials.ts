import type { Change } from "../diff";
import type { Row } from "../effects";
import { at, isOurs, type Step, type Values } from "../step";
import { arrow, code, list } from "../words";
import { CREDENTIALS_CHANGE, OTHER_KEY } from "./archive";
import { metadataAlone, mild, paths, type Rule, row, serverOf, unknown } from "./rule";

/** A generated password: any change of its inputs generates another one. */
export const password: Rule = (step) => {
  if (step.operation === "create") return [row(step, "created", "nothing", "a password that nobody has yet")];
  if (!isOurs(step) || step.operation === "delete")
    return [unknown(step, paths(step), "who uses this password is not known", false)];
  const why =
    "the server takes it over as it restarts; the old one fails from then on, so clients have to read the Secret again";
  return [row(step, "a new password", "password change", why)];
};

/** The archive folder of one life of a disposable stack. */
export const randomId: Rule = (step) => {
  if (!isOurs(step)) return [unknown(step, paths(step), "who uses it is not known", false)];
  return [row(step, paths(step), "nothing", "names a folder of the archive; what uses it has its own line")];
};

/** A Secret by its content: the server's passwords, the application's connection, keys for the object store. */
export const secret: Rule = (step, { steps }) => {
  const { operation, changes } = step;
  if (operation === "create") return [row(step, "created", "nothing", "it was not there before")];
  if (operation === "update" && metadataAlone(changes))
    return [row(step, paths(step), "nothing", "labels and annotations alone")];
  const use = isOurs(step) ? USES.find(([name]) => name.test(step.name))?.[1] : undefined;
  if (use === undefined) return [unknown(step, paths(step), "who reads it is not known", false)];
  if (operation === "update") return [updated(step, use, steps)];
  const moved = changes.some(({ path }) => /^metadata\.(name|namespace)$/.test(path.join(".")));
  if ((operation === "delete" || moved) && isMounted(step, steps))
    return [
      row(
        step,
        paths(step),
        "may not serve",
        "the server's pod mounts it: without it, the next start waits forever",
      ),
    ];
  if (operation === "delete" && /-(object-store|encryption|clone-source|clone-encryption)$/.test(step.name))
    return [row(step, "deleted", "nothing", "the server and its jobs no longer use it by then")];
  return [
    row(step, paths(step), "disconnect", `until it exists again, no pod that mounts it can start; ${use}`),
  ];
};

/** Whether the server still mounts a Secret under its old name after the update; true if the update leaves the server alone. */
function isMounted(step: Step, steps: readonly Step[]): boolean {
  const server = serverOf(step, steps);
  if (server === undefined) return true;
  const volumes = at(server.after, "spec", "template", "spec", "volumes") as Values[] | undefined;
  return (volumes ?? []).some(
    ({ secret: mounted }) => at(mounted as Values, "secretName") === at(step.before, "metadata", "name"),
  );
}

const PASSWORDS = "spec.template.metadata.annotations.postgres-stack/passwords";

/** A changed password or address in a Secret without a restart of the server, which keeps using the old one. */
function untold(step: Step, steps: readonly Step[], all: string): Row | undefined {
  const told = serverOf(step, steps)?.changes.some(({ path }) => path.join(".") === PASSWORDS);
  const words = `changed: ${all}`;
  if (/`password`/.test(all) && !told)
    return step.name.endsWith("-superuser")
      ? row(
          step,
          words,
          "backups end",
          "until the server restarts it has the old one: base backups and checks can't log in",
        )
      : row(
          step,
          words,
          "access changes",
          "until the server restarts it has the old one: clients that read this one are refused",
        );
  if (step.name.endsWith("-app") && /`(host|port)`/.test(all))
    return row(step, words, "access changes", "applications that read it look for the server elsewhere");
  return undefined;
}

function updated(step: Step, use: string, steps: readonly Step[]): Row {
  const all = keys(step);
  const changed = all === "" ? "changed" : `changed: ${all}`;
  const lacking = /-(superuser|app)$/.test(step.name) ? keys(step, ({ after }) => after === undefined) : "";
  if (/`password`/.test(lacking))
    return row(step, `gone: ${lacking}`, "may not serve", "the server does not start without it");
  if (lacking !== "")
    return row(step, `gone: ${lacking}`, "access changes", "applications that read it do not start any more");
  const other = /-(superuser|app)$/.test(step.name) ? untold(step, steps, all) : undefined;
  if (other !== undefined) return other;
  if (/-object-store$/.test(step.name)) return mild(row(step, changed, "access changes", use));
  if (!/(?<!clone)-encryption$/.test(step.name)) return row(step, changed, "nothing", use);
  return /`WALG_(PGP|LIBSODIUM)_KEY`/.test(changed)
    ? row(step, changed, "backups begin anew", use)
    : mild(
        row(
          step,
          changed,
          "access changes",
          "the same key with another passphrase: a start or a backup shows whether it fits",
        ),
      );
}

const USES: readonly (readonly [RegExp, string])[] = [
  [/-object-store$/, `${CREDENTIALS_CHANGE}; read again at each use, so no restart`],
  [/-(clone-source|clone-encryption)$/, "read by a clone alone, which happens once"],
  [/-encryption$/, `${OTHER_KEY}; read again at each use, so no restart`],
  [/-superuser$/, "the server's password; it follows the password's own line"],
  [/-app$/, "what applications read; those that hold the old values have to restart"],
];

/** Names of the changed keys; the API server stores `stringData` as `data`. */
function keys(step: Step, which: (change: Change) => boolean = () => true): string {
  const names = step.changes
    .filter((it) => ["data", "stringData"].includes(it.path[0] ?? "") && which(it))
    .flatMap(({ path }) => path.slice(1, 2));
  return list([...new Set(names)].sort().map(code));
}

const NO_ACCOUNT = "a pod whose account does not exist is refused, at its next start";

/** The pods' cloud identity. */
export const serviceAccount: Rule = (step) => {
  const { operation, changes } = step;
  if (operation === "create") return [row(step, "created", "nothing", "it was not there before")];
  if (!isOurs(step)) return [unknown(step, paths(step), "which pods use it is not known", false)];
  if (operation === "delete") return [row(step, "deleted", "may not serve", NO_ACCOUNT)];
  const moved = changes.filter(({ path }) => /^metadata\.(name|namespace)$/.test(path.join(".")));
  if (moved.length > 0) {
    const names = moved.map(({ path, before, after }) => arrow(path.at(-1) ?? "", before, after)).join("; ");
    return [row(step, names, "may not serve", NO_ACCOUNT)];
  }
  const words = changes
    .filter(({ path }) => path[1] === "annotations")
    .map(({ path, before, after }) => arrow(path.at(-1) ?? "", before, after));
  const why =
    "a pod gets its identity as it starts: this applies from the next restart and the next base backup on";
  if (words.length === 0) return [row(step, paths(step), "nothing", why)];
  return [
    mild(
      row(
        step,
        words.join("; "),
        "access changes",
        `access to the archive, as part of what the cloud grants it: ${why}`,
      ),
    ),
  ];
};
