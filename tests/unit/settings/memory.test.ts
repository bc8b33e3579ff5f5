import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { gucBytes, gucNumber } from "../../../settings/guc-values";
import { gucsOf } from "../../../settings/gucs";
import { MAJORS, type Major } from "../../../settings/major";
import { sharedMemory } from "../../../settings/memory";
import { skip } from "../../lib/skip";
import { hasServer, run, withFolder } from "./server";

const MANY = "100000";
const USUAL = {
  shared_buffers: "128MB",
  max_connections: "100",
  max_worker_processes: "8",
  wal_buffers: "4MB",
};

/** Laid over what is usual; each raises one thing, or those that multiply. */
const CASES: readonly Readonly<Record<string, string>>[] = [
  {},
  { shared_buffers: "64GB" },
  { shared_buffers: "2GB", max_connections: "10000" },
  { max_connections: MANY },
  { max_worker_processes: MANY },
  { max_wal_senders: MANY },
  { autovacuum_worker_slots: MANY },
  { max_prepared_transactions: MANY },
  { max_locks_per_transaction: MANY },
  { max_pred_locks_per_transaction: MANY },
  { max_connections: "10000", max_locks_per_transaction: "1024" },
  { max_connections: MANY, max_locks_per_transaction: "10", max_pred_locks_per_transaction: "10" },
  { track_activity_query_size: "1MB" },
  { wal_buffers: "1GB" },
  { min_dynamic_shared_memory: "1GB" },
  { max_replication_slots: MANY },
  { max_active_replication_origins: MANY },
  { io_max_concurrency: "1024" },
  { io_max_concurrency: "1024", io_max_combine_limit: "128" },
  ...["transaction", "subtransaction", "commit_timestamp", "multixact_member", "multixact_offset"].map(
    (of) => ({
      [`${of}_buffers`]: "131072",
    }),
  ),
  { notify_buffers: "131072" },
  { serializable_buffers: "131072" },
];

/** Prints a line of MB for each argument, a list of options. */
const ASK = `
set -e
initdb -D "$1" --no-sync -U postgres -A trust >/dev/null
for options in "\${@:2}"; do postgres -D "$1" -C shared_memory_size $options; done
`;

/** What a real server of the major allocates: npm's, else a base image of this environment; else none. */
function ask(major: Major, options: readonly string[]): string | undefined {
  if (hasServer() && run("postgres --version").includes(` ${major}.`))
    return withFolder((folder) => run(ASK, join(folder, "data"), ...options));
  const image = process.env[`BASE_IMAGE_${major}`];
  const server = ["run", "--rm", "--user", "postgres", "--entrypoint", "bash"];
  return image
    ? execFileSync("docker", [...server, image, "-c", ASK, "bash", "/tmp/data", ...options], {
        encoding: "utf8",
      })
    : undefined;
}

describe("what PostgreSQL allocates at its start", () => {
  for (const major of MAJORS) {
    it(`is as much as a real server of PostgreSQL ${major} says, or up to an eighth less`, function () {
      this.timeout("2m");
      const gucs = gucsOf(major);
      const cases = CASES.filter((settings) => Object.keys(settings).every((name) => gucs.find(name))).map(
        (settings): Record<string, string> => ({ ...USUAL, ...settings }),
      );
      const options = cases.map((settings) =>
        Object.entries(settings)
          .map(([name, value]) => `-c ${name}=${value}`)
          .join(" "),
      );
      const said = ask(major, options)?.trim().split("\n").map(Number);
      if (said === undefined) skip(this, "there is no PostgreSQL server of this major for this machine");
      expect(said).to.have.length(cases.length);
      for (const [index, settings] of cases.entries()) {
        const computed = sharedMemory(major, (name) => {
          const [guc, text] = [gucs.find(name), settings[name]];
          if (guc === undefined || text === undefined) return undefined;
          return (guc.unit === undefined ? gucNumber : gucBytes)(guc, text);
        });
        const share = computed / 2 ** 20 / (said[index] ?? 0);
        expect(share, options[index]).to.be.within(0.87, 1);
      }
    });
  }
});
