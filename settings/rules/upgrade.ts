import type { StackConfig } from "../schema";
import { type Rule, unless } from "./rule";

type Upgrade = NonNullable<StackConfig["upgrade"]>;

const whenAsked =
  (check: (upgrade: Upgrade, config: StackConfig) => ReturnType<Rule["check"]>) => (config: StackConfig) =>
    config.upgrade ? check(config.upgrade, config) : [];

/** An upgrade needs a backup as the way back, and runs alone. Reindexing for a new glibc or ICU needs neither. */
export const upgradeRules: readonly Rule[] = [
  {
    needs: ["upgrade"],
    check: whenAsked((upgrade) =>
      unless(
        upgrade.id !== undefined || isReindexingAlone(upgrade),
        "upgrade.id",
        "is missing (each upgrade has one of its own; only reindexCollations: true can stand alone)",
      ),
    ),
  },
  {
    needs: ["upgrade.id", "backup"],
    check: whenAsked(({ id }, { backup }) =>
      unless(
        id === undefined || backup !== undefined,
        "upgrade",
        "needs backup (after an upgrade it is the way back)",
      ),
    ),
  },
  {
    needs: ["upgrade.mode", "upgrade.keepOld"],
    check: whenAsked(({ mode = "link", keepOld }) =>
      unless(
        !keepOld || mode !== "link",
        "upgrade.keepOld",
        "keeps nothing with mode: link, whose old files are the new ones (mode: clone or copy)",
      ),
    ),
  },
  ...(["restore", "cloneFrom"] as const).map((other) => ({
    needs: ["upgrade.id", other],
    check: whenAsked(({ id }, config) =>
      unless(
        id === undefined || config[other] === undefined,
        "upgrade",
        `can't be combined with ${other} (one request at a time: leave out the one that is done)`,
      ),
    ),
  })),
];

function isReindexingAlone({ reindexCollations, ...asked }: Upgrade): boolean {
  const { mode, keepOld, backupMaxAge, undo, force } = asked;
  return reindexCollations && mode === undefined && !keepOld && backupMaxAge === undefined && !undo && !force;
}
