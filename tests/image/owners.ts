import { expect } from "chai";
import { Container, environment, newVolume, runOnce } from "./docker";
import { VOLUME } from "./restore";

const IDENTITY = "/run/postgres-stack/archive-identity";
export const SERVES = /roles and passwords are in step with the environment/;

export interface Database {
  volume: string;
  prefix: string;
  variables?: Record<string, string>;
}

/** A database with its archive below /backups on a volume that several databases share. */
export class Databases {
  private constructor(readonly archives: string) {}

  static async create(): Promise<Databases> {
    return new Databases(await newVolume());
  }

  options({ volume, prefix, variables = {} }: Database): string[] {
    const store = {
      POSTGRES_PASSWORD: "secret",
      BACKUP_SCHEDULE: "external",
      WALG_FILE_PREFIX: `/backups/${prefix}`,
    };
    const mounts = ["-v", `${volume}:${VOLUME}`, "-v", `${this.archives}:/backups`];
    return [...mounts, ...environment({ ...store, BACKUP_RETAIN: "1", ...variables })];
  }

  async start(database: Database): Promise<Container> {
    const container = await Container.start(this.options(database));
    await container.logged(SERVES, 120);
    return container;
  }

  /** A new database with a base backup; returns its volume once it is stopped. */
  async withBackup(prefix: string, variables: Record<string, string> = {}): Promise<Database> {
    const database = { volume: await newVolume(), prefix, variables };
    const container = await this.start(database);
    await container.sql("CREATE TABLE rows AS SELECT 1 AS n");
    await backup(container);
    await container.end();
    return database;
  }

  /** Names and digests of everything that WAL-G stored below a prefix. */
  async content(prefix: string): Promise<string> {
    const script = `cd /backups/${prefix}/18; find basebackups_005 wal_005 -type f | sort | xargs md5sum`;
    const { stdout } = await runOnce(["-v", `${this.archives}:/backups`], ["bash", "-c", script]);
    return stdout;
  }

  /** Turns an archive into one of an earlier version of the image. */
  async forget(prefix: string, volumes: string[] = []): Promise<void> {
    for (const volume of volumes.length > 0 ? volumes : [await newVolume()]) {
      const mounts = ["-v", `${this.archives}:/backups`, "-v", `${volume}:${VOLUME}`];
      await runOnce(mounts, [
        "bash",
        "-c",
        `rm -rf /backups/${prefix}/18/postgres-stack ${VOLUME}/.postgres-stack/archive`,
      ]);
    }
  }
}

export async function backup(container: Container): Promise<void> {
  const { code, stderr } = await container.exec("backup.sh");
  expect(code, stderr).to.equal(0);
}

export const identity = async (container: Container) =>
  (await container.exec("head", "-n1", IDENTITY)).stdout;

/** Segments waiting to be archived. */
export const waiting = (container: Container) =>
  container.sql("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'");

export async function writes(container: Container): Promise<void> {
  await container.sql("CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)");
  await container.sql("SELECT pg_switch_wal()");
}

/** A stranger serves, and neither archives nor backs up. */
export async function expectStranger(container: Container): Promise<void> {
  expect(await identity(container)).to.match(/^stranger: /);
  await writes(container);
  await container.logged(/ERROR \[archive-wal\] \S+ not archived: the archive is not this database's/);
  expect(await waiting(container)).not.to.equal("0");
  for (const option of [[], ["--first"]]) {
    const { code, stderr } = await container.exec("env", "BACKUP_WAIT_SECONDS=0", "backup.sh", ...option);
    expect(code).to.equal(1);
    expect(stderr).to.contain("no backup was taken: the archive is not this database's: ");
  }
  expect(await container.sql("SELECT 1")).to.equal("1");
}
