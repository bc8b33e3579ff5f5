import type { Database } from "../database";
import { difference } from "../ledger";
import type { World } from "../world";
import { killed, noteBackup, OnDatabase, type Step } from "./step";

/** A database is cloned to c, which has its own archive, and then lives independently. */
export class Clone extends OnDatabase {
  protected override fits(world: World, database: Database): boolean {
    return world.owns(database) && database.history.backups.length > 0 && !world.databases.has("c");
  }

  protected async take(world: World, database: Database): Promise<void> {
    await database.archive();
    const clone = await world.add("c", database.major);
    clone.request = { CLONE_FROM: world.archiveOf(database) };
    const { log } = await clone.comesBack();
    const wrong = difference(await clone.rows(), database.history.rows, database.history.rows);
    if (wrong) throw new Error(`cloned: ${wrong}\n${log.slice(-2000)}`);
    clone.history = { rows: database.history.rows, points: [], backups: [Date.now()] };
    world.claim(clone);
  }
}

/** The prefix changes: to a new one, to another database's, or back. */
export class EditPrefix extends OnDatabase {
  constructor(
    name: string,
    private readonly other: string | undefined,
  ) {
    super(name);
  }

  protected override fits(world: World): boolean {
    return this.other === undefined || world.databases.has(this.other);
  }

  protected async take(world: World, database: Database): Promise<void> {
    await database.machine.kill();
    database.prefix = this.target(world, database);
    database.request = {};
    await database.serves();
    world.claim(database);
    const { history, before } = database;
    database.history = { ...history, points: [], backups: [] };
    if (before) database.before = { ...before, history: { ...before.history, points: [], backups: [] } };
    if (world.owns(database)) {
      const { code, stderr } = await database.machine.command(["backup.sh"]);
      if (code !== 0) throw new Error(`no backup into a prefix that is its own: ${stderr}`);
      noteBackup(world, database, stderr);
    }
  }

  private target(world: World, database: Database): string {
    if (this.other === undefined) return world.newPrefix();
    return this.other === this.name ? database.home : world.get(this.other).prefix;
  }

  override toString(): string {
    return this.describe(this.other === undefined ? "a new one" : `that of ${this.other}`);
  }
}

/** To the next major, with a kill if requested. */
export class Upgrade extends OnDatabase {
  constructor(
    name: string,
    private readonly mode: string,
    private readonly killAfter: number | undefined,
  ) {
    super(name);
  }

  protected override fits(world: World, database: Database): boolean {
    return database.major === 17 && world.owns(database);
  }

  protected async take(world: World, database: Database): Promise<void> {
    await database.programsAreKept(); // again, if the volume was lost
    await database.machine.kill();
    database.major = 18;
    database.request = {
      PG_UPGRADE: database.nextId(),
      PG_UPGRADE_MODE: this.mode,
      PG_REINDEX_COLLATIONS: "true",
    };
    const { log } = await world.underFault(database, () => database.comesBack(this.killAfter));
    world.claim(database);
    database.before = undefined;
    database.history = { ...database.history, points: [], backups: [Date.now()] };
    world.noteBackup(database, log);
  }

  override toString(): string {
    return this.describe(this.mode, killed(this.killAfter));
  }
}

/** During the next step, the database's store hangs or refuses for a while. */
export class StoreFault implements Step {
  constructor(
    private readonly kind: "hang" | "revoke",
    private readonly milliseconds: number,
  ) {}

  check(world: Readonly<World>): boolean {
    return world.fault === undefined;
  }

  async run(world: World): Promise<void> {
    world.fault = { kind: this.kind, milliseconds: this.milliseconds };
  }

  toString(): string {
    return `storeFault(${this.kind}, ${this.milliseconds} ms)`;
  }
}
