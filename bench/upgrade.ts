/**
 * `make bench ARGS=upgrade`: upgrades the same data from PostgreSQL 17 to 18 with this image and with pg_upgrade alone, in
 * turn, in each mode that the volume's file system supports, and prints a table of docs/performance.md. Needs Docker; removes
 * everything that it creates.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../local/fail";
import {
  Container,
  cleanUp,
  docker,
  environment,
  IMAGE,
  newFolder,
  newVolume,
  prepareImage,
  runOnce,
} from "../tests/image/docker";
import { imageOf, majorsAreThere, removeMajors } from "../tests/image/majors";
import { backup, copyOf, options, removeVolume } from "../tests/image/restore";
import { keptPrograms, sharesBlocks } from "../tests/image/upgrade";
import { limits, machineConf } from "./machine";
import { median, phases, type Times, timesTable } from "./times";

const SCALE = process.env.BENCH_SCALE ?? "70"; // pgbench scale: 1 GB
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? "3");
const OLD = 17;
const NEW = 18;
const PASSWORD = "bench";
/** Set by the first signal: the current step fails or finishes, then cleanup runs. A second signal ends the process. */
let interrupted = false;

const CONTENT = `SELECT (SELECT (count(*), sum(abalance), sum(aid)) FROM pgbench_accounts), (SELECT count(*) FROM pgbench_branches)`;

/** Log lines that end a phase, of this image or of pg_upgrade alone, which has fewer. */
const PHASES = {
  "preflight, initdb": /upgrade bench: backing-up$|bench: upgrading$/,
  backup: /upgrade bench: upgrading$/,
  pg_upgrade: /bench: upgraded$/,
  verification: /upgrade bench: handed-over$/,
};

/** Arguments of `docker run` after the volume. */
interface Run {
  readonly options: string[];
  readonly command: string[];
}

/** The data to upgrade: a stopped server of the old major with a base backup in its archive, and its content. */
interface Data {
  readonly volume: string;
  readonly content: string;
}

async function main(): Promise<void> {
  if (!majorsAreThere(OLD)) {
    throw new Error(
      `BASE_IMAGE_${OLD} is not set; nothing was measured. Set it to a PostgreSQL image of that major.`,
    );
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (interrupted = true));
  try {
    await prepareImage();
    const data = await makeData();
    const clones = await sharesBlocks(data.volume);
    if (!clones) console.error("clone is left out: files on Docker's volumes can't share blocks");
    const modes = clones ? ["link", "clone", "copy"] : ["link", "copy"];
    const results = modes.map((mode) => ({
      mode,
      image: [] as Times[],
      bare: [] as Times[],
    }));
    for (let round = 1; round <= ROUNDS; round++) {
      for (const { mode, image, bare } of results) {
        const both = [
          async () => image.push(await upgrade(data, `${mode}, this image`, withImage(mode))),
          async () => bare.push(await upgrade(data, `${mode}, pg_upgrade alone`, alone(mode))),
        ];
        // alternates the order, because the first run leaves the machine busy
        for (const run of round % 2 === 0 ? both.reverse() : both) await run();
      }
    }
    const rows = results.flatMap(({ mode, image, bare }) => [
      { name: `\`${mode}\`, this image`, times: image, more: [ratio(image, bare)] },
      { name: `\`${mode}\`, pg_upgrade alone`, times: bare, more: ["1"] },
    ]);
    console.log(timesTable(PHASES, rows, ["ratio"]));
  } finally {
    await removeAll();
  }
}

function ratio(image: Times[], bare: Times[]): string {
  return (median(image, "total") / median(bare, "total")).toFixed(2);
}

function withImage(mode: string): Run {
  const request = {
    PG_UPGRADE: "bench",
    PG_UPGRADE_MODE: mode,
    PG_UPGRADE_BACKUP_MAX_AGE: "86400",
    PG_REINDEX_COLLATIONS: "true",
  };
  return { options: environment(request), command: [] };
}

function alone(mode: string): Run {
  const bare = readFileSync(join(__dirname, "bare-upgrade"), "utf8");
  const folder = newFolder({ bare });
  return {
    options: ["--user", "postgres", "-v", `${folder}:/bench:ro`],
    command: ["bash", "/bench/bare", String(OLD), String(NEW), mode],
  };
}

/** Starts a server on a volume, within the limits of the benchmark's machine. */
function start(volume: string, run: Run, image: string): Promise<Container> {
  const folder = newFolder({ "bench.conf": machineConf() });
  const conf = ["-v", `${folder}/bench.conf:/etc/postgresql/conf.d/bench.conf:ro`];
  const place = options(volume, { POSTGRES_PASSWORD: PASSWORD });
  return Container.start([...limits(), ...conf, ...place, ...run.options], run.command, image);
}

async function makeData(): Promise<Data> {
  const volume = await newVolume();
  const server = await start(volume, { options: [], command: [] }, await imageOf(OLD));
  await server.isUp();
  const filled = await server.exec("pgbench", "-U", "postgres", "-i", "-q", "-s", SCALE, "postgres");
  if (filled.code !== 0) throw new Error(filled.stderr);
  await backup(server);
  await keptPrograms(server);
  const content = await server.sql(CONTENT);
  const { stdout } = await server.bash('du -sm --exclude=pg_wal "$PGDATA" | cut -f 1');
  console.error(`PGDATA without WAL: ${stdout} MiB; ${await server.sql("SHOW server_version")}`);
  await server.stop();
  await server.remove();
  return { volume, content };
}

/** Upgrades a copy of the data once, from `docker run` until the server answers over TCP, and checks its content. */
async function upgrade(data: Data, name: string, run: Run): Promise<Times> {
  if (interrupted) throw new Error("interrupted");
  const volume = await copyOf(data.volume);
  await runOnce([], ["sync"]);
  const begin = Date.now();
  const server = await start(volume, run, IMAGE);
  const end = await answered(server);
  const content = await server.sql(CONTENT);
  const version = await server.sql("SHOW server_version");
  if (content !== data.content || !version.startsWith(`${NEW}.`)) {
    throw new Error(
      `${name}: PostgreSQL ${version} has ${content} instead of ${data.content} in PostgreSQL ${NEW}`,
    );
  }
  const { stdout, stderr } = await docker(["logs", "-t", server.id]);
  const times = phases(PHASES, `${stdout}\n${stderr}`, begin, end);
  console.error(name, JSON.stringify(times));
  await server.remove();
  await removeVolume(volume);
  return times;
}

/**
 * Waits until the server answers over TCP, without loading the machine before it listens. Returns that time in milliseconds
 * since 1970.
 */
async function answered(server: Container): Promise<number> {
  const { code, stdout } = await server.bash(
    "until (: </dev/tcp/127.0.0.1/5432) 2>/dev/null && psql -h 127.0.0.1 -U postgres -XAtc 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done; date +%s%3N",
    { PGPASSWORD: PASSWORD },
  );
  if (code !== 0) throw new Error(`the server ended:\n${(await server.logs()).slice(-4000)}`);
  return Number(stdout);
}

async function removeAll(): Promise<void> {
  await cleanUp();
  await removeMajors();
  await docker(["rmi", "-f", IMAGE]);
}

main().catch(fail);
