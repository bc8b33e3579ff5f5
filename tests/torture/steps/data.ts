import type { Database } from "../database";
import { union } from "../ledger";
import type { World } from "../world";
import { noteBackup, OnDatabase } from "./step";

/** Ids of rows, never reused. */
let last = 0;

/** Rows, each committed before the next; a kill cuts them off. */
export class Write extends OnDatabase {
  constructor(
    name: string,
    private readonly rows: number,
    private readonly cutOff: boolean,
  ) {
    super(name);
  }

  protected async take(_world: World, database: Database): Promise<void> {
    const written = new Set<number>();
    const numbers = Array.from({ length: this.rows }, () => ++last);
    let time = 0n;
    await database.withSession(async (session) => {
      for (const n of numbers) {
        await session.query("INSERT INTO rows VALUES ($1)", [n]);
        written.add(n);
      }
      const { rows } = await session.query(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS now, pg_sleep(0.002)",
      );
      time = BigInt(rows[0].now) + 1000n;
      if (this.cutOff) {
        const n = ++last;
        database.maybe.add(n);
        session.query("INSERT INTO rows VALUES ($1)", [n]).catch(() => {});
      }
    });
    const rows = union(database.history.rows, written);
    database.history = { ...database.history, rows, points: [...database.history.points, { time, rows }] };
    if (this.cutOff) {
      await database.machine.kill();
      await database.serves();
    }
  }

  override toString(): string {
    return this.describe(this.rows, this.cutOff ? "cut off" : undefined);
  }
}

/** Everything is killed at once and starts again. */
export class Kill extends OnDatabase {
  protected async take(_world: World, database: Database): Promise<void> {
    await database.machine.kill();
    await database.serves();
  }
}

/** Nightly base backups with retention; a stranger in an archive takes none. */
export class Nights extends OnDatabase {
  constructor(
    name: string,
    private readonly nights: number,
  ) {
    super(name);
  }

  protected async take(world: World, database: Database): Promise<void> {
    for (let night = 0; night < this.nights; night++) {
      const faulty = world.fault !== undefined;
      const { code, stderr } = await world.underFault(database, () =>
        database.machine.command(["backup.sh"]),
      );
      if (code === 0 && !world.owns(database)) {
        throw new Error(`a backup into the archive of another database: ${stderr}`);
      }
      if (code !== 0 && world.owns(database) && !faulty) throw new Error(`no backup (${code}): ${stderr}`);
      if (code === 0) noteBackup(world, database, stderr);
    }
  }

  override toString(): string {
    return this.describe(this.nights);
  }
}
