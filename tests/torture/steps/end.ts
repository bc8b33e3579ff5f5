import { difference } from "../ledger";
import type { World } from "../world";

/** At the end of a sequence: every archive restores all that its owner archived, and one retained base backup by its name. */
export async function everythingRestores(world: World): Promise<void> {
  for (const [archive, owner] of world.owners) {
    if (world.archiveOf(owner) !== archive || owner.history.backups.length === 0) continue;
    await owner.archive();
    const wanted = owner.history.rows;
    const names = await world.backups(archive);
    const probe = world.scratch(owner.major);
    await probe.proxy.start();
    // the first restore takes the newest
    for (const backup of names.length > 1 ? [undefined, names[(names.length - 1) >> 1]] : [undefined]) {
      await probe.machine.wipe();
      probe.request = backup
        ? { RESTORE_ID: "probe", RESTORE_TO: "latest", RESTORE_FROM: archive, RESTORE_BACKUP: backup }
        : { CLONE_FROM: archive };
      probe.prefix = world.newPrefix();
      const boot = await probe.boot(undefined, true);
      if (backup && !boot.serves && /on another timeline|no base backup/.test(boot.log)) continue;
      if (!boot.serves)
        throw new Error(`${archive} does not restore (${backup ?? "latest"}):\n${boot.log.slice(-3000)}`);
      const wrong = difference(await probe.rows(), wanted, wanted);
      if (wrong) throw new Error(`${archive} restores to something else (${backup ?? "latest"}): ${wrong}`);
      await probe.machine.kill();
    }
    await probe.proxy.stop();
  }
}
