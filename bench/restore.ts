/**
 * `make bench ARGS=restore`: restores the same data with this image, with WAL-G alone and with pgBackRest, in turn, and
 * prints the table of docs/performance.md. Needs Docker and an S3 store; removes everything that it creates.
 */

import { fail } from "../local/fail";
import { walgConcurrency } from "../settings/walg";
import { environment } from "../tests/image/docker";
import { MACHINE } from "./machine";
import {
  answered,
  cleanUp,
  exec,
  logs,
  newVolume,
  PREFIX,
  removeServer,
  setUp,
  startServer,
} from "./restore/containers";
import { phases, type Times, timesTable } from "./times";

const SCALE = process.env.BENCH_SCALE ?? "140"; // pgbench scale: 2.1 GB
const SEGMENTS = process.env.BENCH_SEGMENTS ?? "64";
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? "3");

interface Method {
  readonly name: string;
  /** Arguments of `docker run` for the restored server. `backup`: this image's base backup. */
  run(round: number, backup: string): Run;
}

interface Run {
  readonly options: string[];
  readonly command: string[];
}

const METHODS: Method[] = [
  {
    name: "this image",
    run: (round, backup) => ({
      options: environment({
        ...archive(`round-${round}`),
        RESTORE_ID: "bench",
        RESTORE_TO: "latest",
        RESTORE_FROM: `${PREFIX}/image/18`,
        RESTORE_BACKUP: backup,
      }),
      command: ["postgres"],
    }),
  },
  { name: "`wal-g`, defaults", run: () => other("restore_with_walg") },
  { name: "pgBackRest, defaults", run: () => other("restore_with_pgbackrest") },
  {
    name: "pgBackRest, `process-max=2`, `archive-async`",
    run: () =>
      other("restore_with_pgbackrest", { PGBACKREST_PROCESS_MAX: "2", PGBACKREST_ARCHIVE_ASYNC: "y" }),
  },
];

/** Log lines that end a phase, of this image or of the others. */
const PHASES = {
  "until the fetch": /restore bench: fetching|bench: fetching/,
  fetch: /restore bench: recovering|bench: fetched/,
  replay: /restore bench: verifying|archive recovery complete/,
};

/** Variables of this image's archive for a stack of this size. */
function archive(name: string): Record<string, string> {
  return {
    ...walgConcurrency(MACHINE),
    WALG_S3_PREFIX: `${PREFIX}/${name}`,
    BACKUP_SCHEDULE: "external",
  };
}

function other(command: string, variables: Record<string, string> = {}): Run {
  return { options: ["--user", "postgres", ...environment(variables)], command: ["bench", command] };
}

async function main(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => cleanUp().finally(() => process.exit(130)));
  try {
    await setUp();
    const data = await makeData();
    const results = METHODS.map((method) => ({ method, name: method.name, times: [] as Times[] }));
    for (let round = 1; round <= ROUNDS; round++) {
      for (const { method, times } of results) times.push(await restore(method, round, data));
    }
    console.log(timesTable(PHASES, results));
  } finally {
    await cleanUp();
  }
}

/** The data to restore: the tables' content, and the name of this image's base backup. */
interface Data {
  readonly content: string;
  readonly backup: string;
}

/** Creates the data and backs them up with each method. */
async function makeData(): Promise<Data> {
  const volume = await newVolume();
  await startServer("source", volume, environment(archive("image")), [
    "postgres",
    "-c",
    "archive_command=bench archive_with_pgbackrest_too %p",
  ]);
  await answered("source");
  await exec("source", "pgbench", "-i", "-q", "-s", SCALE);
  const backup = await exec("source", "bench", "backups");
  await exec("source", "bench", "load", SEGMENTS);
  console.error(await exec("source", "bench", "describe"));
  const content = await exec("client", "bench", "content", "source");
  await removeServer("source", volume);
  return { content, backup };
}

/** Restores once, from an empty volume until the server answers as a primary, and checks the content. */
async function restore(method: Method, round: number, data: Data): Promise<Times> {
  const volume = await newVolume();
  const { options, command } = method.run(round, data.backup);
  await exec("client", "sync");
  const begin = Date.now();
  await startServer("target", volume, options, command);
  const end = await answered("target");
  const content = await exec("client", "bench", "content", "target");
  if (content !== data.content) {
    throw new Error(`${method.name}: the content is ${content} instead of ${data.content}`);
  }
  const times = phases(PHASES, await logs("target"), begin, end);
  console.error(method.name, JSON.stringify(times));
  await removeServer("target", volume);
  return times;
}

main().catch(fail);
