import type { Machine } from "../image/machine";
import { Database, RETAIN, type Store, storeEnvironment } from "./database";
import { NOTHING } from "./ledger";

/** Everything that a sequence uses: databases a and b, c once cloned, and their archives in one bucket. */
export class World {
  readonly databases = new Map<string, Database>();
  /** Who owns an archive: the first that archived there. By prefix with its major. */
  readonly owners = new Map<string, Database>();
  /** The name of the newest base backup of each archive's live history. */
  readonly newest = new Map<string, string>();
  /** For the next step: how a database's store behaves, and for how many milliseconds. */
  fault: { readonly kind: "hang" | "revoke"; readonly milliseconds: number } | undefined;
  private prefixes = 0;

  constructor(
    /** For this sequence only. */
    private readonly folder: string,
    private readonly store: Store,
    private readonly machines: ReadonlyMap<string, Machine>,
    private readonly owned: boolean,
  ) {}

  newPrefix(): string {
    return `s3://${this.store.bucket}/${this.folder}/p${++this.prefixes}`;
  }

  /** A database that is not yet started, on an empty volume. */
  async add(name: string, major: number): Promise<Database> {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(`no machine ${name}`);
    const owner = this.owned ? `stack-${name}` : "";
    const database = new Database(name, machine, this.store, this.newPrefix(), owner, major);
    await database.proxy.start();
    this.databases.set(name, database);
    return database;
  }

  get(name: string): Database {
    const database = this.databases.get(name);
    if (!database) throw new Error(`there is no database ${name}`);
    return database;
  }

  archiveOf({ prefix, major }: Database): string {
    return `${prefix}/${major}`;
  }

  owns(database: Database): boolean {
    return this.owners.get(this.archiveOf(database)) === database;
  }

  /** The database takes over an unowned archive. */
  claim(database: Database): void {
    const archive = this.archiveOf(database);
    if (!this.owners.has(archive)) this.owners.set(archive, database);
  }

  /** Starts the announced fault, runs the step, and heals the store. */
  async underFault<T>(database: Database, step: () => Promise<T>): Promise<T> {
    const fault = this.fault;
    this.fault = undefined;
    if (!fault) return step();
    if (fault.kind === "hang") database.proxy.hang();
    else database.proxy.revoke();
    const healed = new Promise<void>((resolve) =>
      setTimeout(() => {
        database.proxy.heal();
        resolve();
      }, fault.milliseconds),
    );
    try {
      return await step();
    } finally {
      await healed;
    }
  }

  /**
   * Records the last base backup that a log names. Without one, the newest of the live history comes with the next start.
   *
   * @returns whether there was one
   */
  noteBackup(database: Database, log: string): boolean {
    const name = [...log.matchAll(/last good backup: (base_\w+)/g)].at(-1)?.[1];
    if (!this.owns(database)) return name !== undefined;
    if (name === undefined) {
      this.newest.delete(this.archiveOf(database));
      return false;
    }
    this.newest.set(this.archiveOf(database), name);
    const backups = [...database.history.backups, Date.now()].slice(-RETAIN);
    database.history = { ...database.history, backups };
    return true;
  }

  /** A database to restore into, which no other step sees. */
  scratch(major: number): Database {
    const machine = this.machines.get("s");
    if (!machine) throw new Error("no machine to restore into");
    return new Database("s", machine, this.store, this.newPrefix(), "", major);
  }

  /** Names of an archive's base backups, read from the store directly, not through a proxy. */
  async backups(archive: string): Promise<string[]> {
    const { machine } = this.get("a");
    const { stdout } = await machine.command(["wal-g", "backup-list", "--json"], {
      WALG_S3_PREFIX: archive,
      ...storeEnvironment(this.store),
    });
    const list = stdout.trim() ? (JSON.parse(stdout) as { backup_name: string }[]) : [];
    return list.map(({ backup_name }) => backup_name);
  }

  /** Checks that the newest base backup of each live history still exists. */
  async nothingIsDeleted(): Promise<void> {
    for (const [archive, name] of this.newest) {
      const names = await this.backups(archive);
      if (!names.includes(name))
        throw new Error(`the newest base backup ${name} of ${archive} is gone; left: ${names}`);
    }
  }

  async end(): Promise<void> {
    for (const database of this.databases.values()) {
      database.proxy.heal();
      await database.machine.kill();
      await database.proxy.stop();
      await database.machine.wipe();
      database.history = NOTHING;
    }
    const { machine } = this.get("a");
    await machine.command(["wal-g", "st", "rm", `${this.folder}/`], {
      WALG_S3_PREFIX: `s3://${this.store.bucket}`,
      ...storeEnvironment(this.store),
    });
  }
}
