import type fc from "fast-check";
import type { Database } from "../database";
import type { World } from "../world";

export type Step = fc.AsyncCommand<World, World>;

/** One step on one database; a sequence leaves it out when it makes no sense. */
export abstract class OnDatabase implements Step {
  constructor(protected readonly name: string) {}

  check(world: Readonly<World>): boolean {
    return world.databases.has(this.name) && this.fits(world as World, world.get(this.name));
  }

  protected fits(_world: World, _database: Database): boolean {
    return true;
  }

  async run(world: World): Promise<void> {
    const database = world.get(this.name);
    try {
      await this.take(world, database);
      await database.check();
      await world.nothingIsDeleted();
    } catch (error) {
      throw new Error(`${this}: ${(error as Error).message}`, { cause: error });
    }
  }

  protected abstract take(world: World, database: Database): Promise<void>;

  /** How a sequence prints the step: its kind, the database, and its details. */
  protected describe(...parts: unknown[]): string {
    const said = [this.name, ...parts.filter((part) => part !== undefined)];
    return `${this.constructor.name}(${said.join(", ")})`;
  }

  toString(): string {
    return this.describe();
  }
}

/** Notes the base backup in a log; without one, exit 0 is a lie. */
export function noteBackup(world: World, database: Database, log: string): void {
  if (!world.noteBackup(database, log)) throw new Error(`exit 0 without a backup: ${log}`);
}

/** How a sequence prints a kill. */
export function killed(after: number | undefined): string | undefined {
  return after === undefined ? undefined : `killed after ${after} ms`;
}
