import type { Database } from "../database";
import { difference, type Point, reachable, union, upTo } from "../ledger";
import type { World } from "../world";
import { killed, OnDatabase } from "./step";

/** A restore in place: to the newest data, or to a moment. */
export class Restore extends OnDatabase {
  constructor(
    name: string,
    /** Which of the reachable moments; none: the newest. */
    private readonly moment: number | undefined,
    private readonly killAfter: number | undefined,
    private readonly keepOld: boolean,
  ) {
    super(name);
  }

  protected override fits(world: World, database: Database): boolean {
    return world.owns(database);
  }

  protected async take(world: World, database: Database): Promise<void> {
    const id = database.nextId();
    const point = this.point(database);
    const to = point ? show(point) : "latest";
    const before = database.history;
    const faulty = world.fault !== undefined;
    database.request = { RESTORE_ID: id, RESTORE_TO: to, RESTORE_KEEP_OLD: String(this.keepOld) };
    await database.machine.kill();
    const { log } = await world.underFault(database, () => database.serves(this.killAfter));
    if (log.includes(`restore ${id} done:`) || (await isDone(database, id))) {
      const rows = await database.rows();
      const wanted = point ?? { time: 0n, rows: before.rows };
      const wrong = difference(rows, wanted.rows, point ? wanted.rows : union(wanted.rows, database.maybe));
      if (wrong) throw new Error(`restored to ${to}: ${wrong}`);
      database.history = point ? upTo(before, point) : { ...before, rows };
      database.maybe = new Set();
      database.before = this.keepOld ? { request: database.request, history: before } : undefined;
      database.done.push(id);
      world.noteBackup(database, log);
    } else if (!faulty && this.killAfter === undefined && before.backups.length > 0) {
      throw new Error(`the restore to ${to} came to nothing:\n${log.slice(-3000)}`);
    }
  }

  private point(database: Database): Point | undefined {
    const points = reachable(database.history);
    return this.moment === undefined ? undefined : points[this.moment % (points.length || 1)];
  }

  override toString(): string {
    return this.describe(
      this.moment === undefined ? "latest" : `moment ${this.moment}`,
      killed(this.killAfter),
      this.keepOld ? undefined : "old data discarded",
    );
  }
}

async function isDone(database: Database, id: string): Promise<boolean> {
  const file = `/var/lib/postgresql/.postgres-stack/restores/${id}.restore`;
  return (await database.machine.command(["grep", "-qx", "state=done", file])).code === 0;
}

function show({ time }: Point): string {
  const seconds = new Date(Number(time / 1000n)).toISOString().slice(0, 19).replace("T", " ");
  return `${seconds}.${String(time % 1000000n).padStart(6, "0")}+00`;
}

/** Back to the data from before the last restore. */
export class Undo extends OnDatabase {
  constructor(
    name: string,
    private readonly killAfter: number | undefined,
  ) {
    super(name);
  }

  protected override fits(_world: World, { before }: Database): boolean {
    return before !== undefined;
  }

  protected async take(world: World, database: Database): Promise<void> {
    const { before } = database;
    if (!before) return;
    await database.machine.kill();
    database.request = { ...before.request, RESTORE_UNDO: "true" };
    const { log } = await world.underFault(database, () => database.serves(this.killAfter));
    database.history = before.history;
    database.maybe = new Set();
    database.before = undefined;
    world.noteBackup(database, log);
  }

  override toString(): string {
    return this.describe(killed(this.killAfter));
  }
}

/** The volume is lost; the archive has everything archived. First requested with a used id, if told. */
export class LoseVolume extends OnDatabase {
  constructor(
    name: string,
    private readonly stale: boolean,
    private readonly killAfter: number | undefined,
  ) {
    super(name);
  }

  protected override fits(world: World, database: Database): boolean {
    return world.owns(database) && database.history.backups.length > 0;
  }

  protected async take(world: World, database: Database): Promise<void> {
    await database.archive();
    const rows = database.history.rows;
    await database.machine.kill();
    await database.machine.wipe();
    const [used] = database.done;
    if (this.stale && used) {
      const stale = await database.boot();
      if (stale.serves) throw new Error(`a used id restored an old state:\n${stale.log.slice(-2000)}`);
      await database.machine.kill();
    }
    database.request = { RESTORE_ID: database.nextId(), RESTORE_TO: "latest" };
    const { log } = await world.underFault(database, () => database.comesBack(this.killAfter));
    database.done.push(database.request.RESTORE_ID ?? "");
    database.before = undefined;
    const found = await database.rows();
    const wrong = difference(found, rows, union(rows, database.maybe));
    if (wrong) throw new Error(`restored onto a new volume: ${wrong}`);
    database.history = { ...database.history, rows: found };
    world.noteBackup(database, log);
  }

  override toString(): string {
    return this.describe(this.stale ? "stale id first" : undefined, killed(this.killAfter));
  }
}
