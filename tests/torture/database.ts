import type { Client } from "pg";
import { until } from "../../local/process";
import type { Boot, Machine } from "../image/machine";
import { StoreProxy } from "../lib/proxy";
import { difference, type History, NOTHING, union } from "./ledger";

export interface Store {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Base backups to retain. */
export const RETAIN = 2;

/** Deadlines short enough for a store that hangs for a second. */
const DEADLINES = { ARCHIVE_DEADLINE: "5", RESTORE_STALL_SECONDS: "5", BACKUP_RETAIN: String(RETAIN) };

/** WAL-G's settings for a store. */
export function storeEnvironment(store: Store): Record<string, string> {
  return {
    AWS_ENDPOINT: store.endpoint,
    AWS_REGION: "us-east-1",
    AWS_S3_FORCE_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: store.accessKey,
    AWS_SECRET_ACCESS_KEY: store.secretKey,
  };
}

/** A database, its configuration, and the rows it must hold. */
export class Database {
  history: History = NOTHING;
  /** Rows of a write that was cut off: either all of them exist or none. */
  maybe = new Set<number>();
  /** The history before the last restore, as long as an undo is possible. */
  before: { readonly request: Record<string, string>; readonly history: History } | undefined;
  /** The current request, until another replaces it: a stack's file keeps its requests. */
  request: Record<string, string> = {};
  /** Rows that are certainly in the archive of its prefix. */
  archived: ReadonlySet<number> = new Set();
  /** Ids of completed restores. */
  readonly done: string[] = [];
  major: number;
  private ids = 0;
  readonly proxy: StoreProxy;
  /** Its first prefix. */
  readonly home: string;

  constructor(
    readonly name: string,
    readonly machine: Machine,
    private readonly store: Store,
    /** Without the major. */
    public prefix: string,
    /** Empty: a database in plain Docker. */
    readonly owner: string,
    major: number,
  ) {
    this.major = major;
    this.home = prefix;
    this.proxy = new StoreProxy(new URL(store.endpoint));
  }

  nextId(): string {
    return `${this.name}-${++this.ids}`;
  }

  private environment(): Record<string, string> {
    return {
      POSTGRES_PASSWORD: "secret",
      BACKUP_SCHEDULE: "external",
      WALG_S3_PREFIX: this.prefix,
      VOLUME_OWNER: this.owner,
      ...DEADLINES,
      ...storeEnvironment({ ...this.store, endpoint: this.proxy.endpoint }),
      ...this.request,
    };
  }

  /**
   * Starts the server, with a kill in between if requested. If it ends without saying what to do, that is an error.
   *
   * @param first whether it is enough that it serves
   */
  async boot(killAfter?: number, first = false): Promise<Boot> {
    if (killAfter !== undefined) await this.machine.boot(this.major, this.environment(), { killAfter });
    const boot = await this.machine.boot(this.major, this.environment(), { first });
    if (!boot) throw new Error("a boot without a kill was killed");
    if (!boot.serves) {
      const word = boot.log.split("\n").findLast((line) => / ERROR \[/.test(line)) ?? "";
      if (!/(nothing was|untouched|whole in|next start|no client was let in)/i.test(word)) {
        throw new Error(`${this.name} ended without saying what was left alone:\n${boot.log.slice(-3000)}`);
      }
    }
    return boot;
  }

  /** Like {@link boot}, when the database must serve. */
  async serves(killAfter?: number): Promise<Boot> {
    const boot = await this.boot(killAfter);
    if (!boot.serves) throw new Error(`${this.name} does not serve:\n${boot.log.slice(-3000)}`);
    return boot;
  }

  /**
   * Initialises the database, without an archive, with what every sequence needs: its table, and the programs for a later
   * upgrade. Stops it afterwards.
   */
  async prepare(): Promise<void> {
    const { WALG_S3_PREFIX: _, ...variables } = this.environment();
    await this.machine.boot(this.major, variables);
    await this.withSession((session) => session.query("CREATE TABLE rows (n bigint PRIMARY KEY)"));
    await this.programsAreKept();
    await this.machine.kill();
  }

  /** Waits for what an upgrade needs: a server keeps its programs on its volume only after it serves. */
  async programsAreKept(): Promise<void> {
    const kept = `/var/lib/postgresql/.postgres-stack/binaries/${this.major}-*`;
    await until("the programs are kept", async () => {
      const { code } = await this.machine.command(["bash", "-c", `[ -d ${kept} ]`]);
      return code === 0;
    });
  }

  /** Like {@link serves}, when there may be no data to serve until the store answers: it starts again as a container would. */
  async comesBack(killAfter?: number): Promise<Boot> {
    let boot = await this.boot(killAfter);
    for (let starts = 1; starts < 4 && !boot.serves; starts++) {
      await this.machine.kill();
      boot = await this.boot();
    }
    if (!boot.serves) throw new Error(`${this.name} does not come back:\n${boot.log.slice(-3000)}`);
    return boot;
  }

  async withSession<T>(work: (session: Client) => Promise<T>): Promise<T> {
    const session = await this.machine.session();
    try {
      return await work(session);
    } finally {
      await session.end().catch(() => {});
    }
  }

  async rows(): Promise<Set<number>> {
    return this.withSession(async (session) => {
      const { rows } = await session.query("SELECT n FROM rows");
      return new Set(rows.map(({ n }) => Number(n)));
    });
  }

  /** Compares the served rows with the ledger, and settles the rows of a write that was cut off. */
  async check(least = this.history.rows, most = union(this.history.rows, this.maybe)): Promise<void> {
    const found = await this.rows();
    const wrong = difference(found, least, most);
    if (wrong) throw new Error(`${this.name} serves something else: ${wrong}`);
    this.history = { ...this.history, rows: found };
    this.maybe = new Set();
  }

  /** Waits until everything written is in the archive. */
  async archive(): Promise<void> {
    await this.withSession(async (session) => {
      await session.query("SELECT pg_switch_wal()");
      await until(`the WAL of ${this.name} is archived`, async () => {
        const waiting = "SELECT count(*) AS n FROM pg_ls_archive_statusdir() WHERE name ~ '\\.ready$'";
        return Number((await session.query(waiting)).rows[0].n) === 0;
      });
    });
    this.archived = this.history.rows;
  }
}
