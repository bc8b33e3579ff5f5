/** The benchmark's containers: one network, one image, a TLS proxy for the store, a client, and servers. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, IMAGE, must, prepareImage } from "../../tests/image/docker";
import { limits, machineConf } from "../machine";

const ID = `bench-restore-${process.pid}`;
const LABEL = ["--label", ID];
const BENCH_IMAGE = `${ID}:latest`;
const VOLUME = "/var/lib/postgresql";
const CERTIFICATE = "/etc/bench/certificate.pem";

/** Prefix of this run in the bucket. */
export const PREFIX = `s3://${variable("S3_BUCKET")}/${ID}`;

let folder = "";

function variable(name: string): string {
  const value = process.env[name];
  if (value) return value;
  const all = "S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY";
  throw new Error(`${name} is not set; nothing was measured. Set ${all}.`);
}

/** Builds the images, and starts the TLS proxy and the client. */
export async function setUp(): Promise<void> {
  const endpoint = new URL(variable("S3_ENDPOINT"));
  if (endpoint.protocol !== "http:") {
    throw new Error(
      `S3_ENDPOINT is ${endpoint.protocol}//; nothing was measured. The benchmark needs a store on plain http:// and adds TLS itself.`,
    );
  }
  writeConfiguration();
  await prepareImage();
  await must(["build", "-q", "-t", BENCH_IMAGE, "--build-arg", `IMAGE=${IMAGE}`, __dirname]);
  await must(["network", "create", ...LABEL, ID]);
  await start("tls", [], ["bench", "tls", endpoint.host]);
  await start("client", [], ["sleep", "infinity"]);
}

/** Writes the server's settings for a stack of this size, and the environment of all containers. */
function writeConfiguration(): void {
  folder = mkdtempSync(join(tmpdir(), "postgres-stack-bench-"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "bench.conf"), machineConf());
  const key = variable("S3_ACCESS_KEY_ID");
  const secret = variable("S3_SECRET_ACCESS_KEY");
  const variables = {
    BENCH_PREFIX: PREFIX,
    POSTGRES_PASSWORD: "bench",
    PGUSER: "postgres",
    PGPASSWORD: "bench",
    AWS_ENDPOINT: "https://tls:8443",
    AWS_REGION: "us-east-1",
    AWS_S3_FORCE_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    WALG_S3_CA_CERT_FILE: CERTIFICATE,
    PGBACKREST_STANZA: "bench",
    PGBACKREST_PG1_PATH: `${VOLUME}/18/docker`,
    PGBACKREST_REPO1_TYPE: "s3",
    PGBACKREST_REPO1_PATH: `/${ID}/pgbackrest`,
    PGBACKREST_REPO1_BUNDLE: "y",
    PGBACKREST_REPO1_RETENTION_FULL: "1",
    PGBACKREST_REPO1_S3_BUCKET: variable("S3_BUCKET"),
    PGBACKREST_REPO1_S3_ENDPOINT: "tls",
    PGBACKREST_REPO1_S3_REGION: "us-east-1",
    PGBACKREST_REPO1_S3_URI_STYLE: "path",
    PGBACKREST_REPO1_S3_KEY: key,
    PGBACKREST_REPO1_S3_KEY_SECRET: secret,
    PGBACKREST_REPO1_STORAGE_PORT: "8443",
    PGBACKREST_REPO1_STORAGE_CA_FILE: CERTIFICATE,
    PGBACKREST_COMPRESS_TYPE: "lz4", // WAL-G's default too; pgBackRest's default, gz, is slower
    PGBACKREST_LOCK_PATH: "/tmp",
    PGBACKREST_SPOOL_PATH: "/tmp",
    PGBACKREST_LOG_LEVEL_FILE: "off",
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, "environment"), lines.join(""), { mode: 0o600 });
}

async function start(name: string, options: string[], command: string[]): Promise<void> {
  const place = ["--name", `${ID}-${name}`, "--network", ID, "--network-alias", name];
  const settings = [
    "--env-file",
    join(folder, "environment"),
    "-v",
    `${folder}/bench.conf:/etc/postgresql/conf.d/bench.conf:ro`,
  ];
  await must(["run", "-d", ...LABEL, ...place, ...settings, ...options, BENCH_IMAGE, ...command]);
}

/** Creates a volume for a server. */
export function newVolume(): Promise<string> {
  return must(["volume", "create", ...LABEL]);
}

/** Starts a server on a volume, within the limits of the benchmark's machine. */
export function startServer(
  name: string,
  volume: string,
  options: string[],
  command: string[],
): Promise<void> {
  return start(name, [...limits(), "-v", `${volume}:${VOLUME}`, ...options], command);
}

/** Waits until a server answers as a primary. Returns that time in milliseconds since 1970. */
export async function answered(name: string): Promise<number> {
  const ended = must(["wait", `${ID}-${name}`]).then(async () => {
    throw new Error(`${name} ended:\n${(await logs(name)).slice(-4000)}`);
  });
  ended.catch(() => undefined); // rejects at the latest when the container is removed
  return Number(await Promise.race([exec("client", "bench", "answered", name), ended]));
}

/** Runs a command in a container as the user postgres. Returns its output. */
export function exec(name: string, ...command: string[]): Promise<string> {
  return must(["exec", "-u", "postgres", `${ID}-${name}`, ...command]);
}

/** A container's output, each line with its time. */
export async function logs(name: string): Promise<string> {
  const { stdout, stderr } = await docker(["logs", "-t", `${ID}-${name}`]);
  return `${stdout}\n${stderr}`;
}

export async function removeServer(name: string, volume: string): Promise<void> {
  await must(["rm", "-fv", `${ID}-${name}`]);
  await must(["volume", "rm", volume]);
}

/** Removes the objects in the bucket, and the containers, volumes, network, images and files. */
export async function cleanUp(): Promise<void> {
  const objects = await docker(["exec", `${ID}-client`, "bench", "remove_objects"]);
  if (objects.code !== 0) console.error(`${PREFIX} was not removed: ${objects.stderr}`);
  const lines = async (...args: string[]) =>
    (await must([...args, "--filter", `label=${ID}`])).split("\n").filter(Boolean);
  for (const id of await lines("ps", "-aq")) await must(["rm", "-fv", id]);
  for (const id of await lines("volume", "ls", "-q")) await must(["volume", "rm", id]);
  for (const id of await lines("network", "ls", "-q")) await must(["network", "rm", id]);
  await docker(["rmi", "-f", BENCH_IMAGE, IMAGE]);
  rmSync(folder, { recursive: true, force: true });
}
