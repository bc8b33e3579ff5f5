import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { attempt, run, until } from "../../local/process";
import { Client, Writer } from "./client";
import { withStack } from "./fixture";
import { checkout, SMALL } from "./stack";

/** WAL-G in the server's container, as an operator would call it. */
const WALG = "set -a; . /run/postgres-stack/walg.env; wal-g";

describe("a stack on a cluster", function () {
  this.timeout("10m");
  const stack = withStack("database", SMALL);

  const pod = () => stack.get("pod/postgres-0", ".metadata.uid");
  const restarts = () => stack.get("pod/postgres-0", ".status.containerStatuses[0].restartCount");
  const started = () => stack.sql("SELECT pg_postmaster_start_time()");
  const memory = (settings: Record<string, unknown>) => ({ memory: "512Mi", cpu: "500m", settings });

  it("one up ends with a database that answers", async () => {
    await stack.up();
    expect(await stack.sql("SELECT 6 * 7")).to.equal("42");
    const psql = stack.outputs.psql?.replace("exec -it", "exec -i") ?? "";
    expect(
      await run("bash", ["-c", psql], { input: "\\pset format unaligned\nSELECT current_user;" }),
    ).to.include("app");
  });

  it("then there is nothing left to change", async () => {
    const { code, stdout, stderr } = await stack.preview(["--expect-no-changes"]);
    expect(code, stdout + stderr).to.equal(0);
  });

  it("nor from a checkout in another folder under another umask", async () => {
    const folder = checkout();
    await run("chmod", ["-R", "go=", `${folder}/docker-context`, `${folder}/index.ts`, `${folder}/settings`]);
    const { code, stdout, stderr } = await stack.preview(["--expect-no-changes"], folder);
    expect(code, stdout + stderr).to.equal(0);
    rmSync(folder, { recursive: true });
  });

  it("no output is a secret, and none of the passwords is in plaintext in the outputs", async () => {
    const password = Buffer.from(
      await stack.get("secret/postgres-app", ".data.password"),
      "base64",
    ).toString();
    expect(password).to.have.length(32);
    expect(JSON.stringify(stack.outputs)).not.to.include(password).and.not.to.include("[secret]");
  });

  it("the pod passes admission in a namespace that enforces Pod Security restricted", async () => {
    await run("kubectl", [
      "label",
      "namespace",
      stack.namespace,
      "pod-security.kubernetes.io/enforce=restricted",
      "--overwrite",
    ]);
    const { stderr } = await attempt("kubectl", [
      "label",
      "--dry-run=server",
      "--overwrite",
      "namespace",
      stack.namespace,
      "pod-security.kubernetes.io/enforce=restricted",
    ]);
    expect(stderr).not.to.include("violates");
    await run("kubectl", ["label", "namespace", stack.namespace, "pod-security.kubernetes.io/enforce-"]);
  });

  it("an application loads 300 MB over the Service, and every segment is archived", async () => {
    const client = new Client(stack, "client");
    await client.start();
    await client.bash("pgbench -i -s 20 -q 2>&1");
    expect(Number(await client.bash("psql -XAtc 'SELECT pg_database_size(current_database())'"))).to.be.above(
      300e6,
    );
    await client.stop();
    const last = await stack.sql("SELECT pg_walfile_name(pg_switch_wal() - 1)");
    await until(
      "the last segment in the archive",
      async () => {
        return (await stack.sql("SELECT last_archived_wal FROM pg_stat_archiver")) >= last;
      },
      120,
    );
    const [archived, failed] = (
      await stack.sql("SELECT archived_count, failed_count FROM pg_stat_archiver")
    ).split("|");
    expect(Number(archived)).to.be.above(15);
    expect(failed).to.equal("0");
  });

  it("the first base backup is taken without a request", async () => {
    const jobs = "-l=app.kubernetes.io/component=backup";
    await stack.kubectl(["wait", "--for=condition=Complete", "job", jobs, "--timeout=120s"]);
  });

  it("and waited for the server: no pod in Error is left beside the good one", async () => {
    const pods = [
      "get",
      "pod",
      "-l=app.kubernetes.io/component=backup",
      "-o=jsonpath={.items[*].status.phase}",
    ];
    expect(await stack.kubectl(pods)).to.equal("Succeeded");
  });

  it("pods of finished jobs go by the line of the documentation: the database is left, and a refresh finds no change", async () => {
    const page = readFileSync(join(stack.folder, "docs/troubleshooting.md"), "utf8");
    const [line = ""] = /kubectl -n <namespace> delete pod (?:.*\\\n)*.*/.exec(page) ?? [];
    await run("bash", ["-c", line.replace("<namespace>", stack.namespace)]);
    expect(await stack.kubectl(["get", "pod", "-o", "name"])).to.equal("pod/postgres-0\n");
    const { code, stdout, stderr } = await stack.preview(["--refresh", "--expect-no-changes"]);
    expect(code, stdout + stderr).to.equal(0);
  });

  it("a backup that is skipped leaves its job failed, after one try, and says why", async () => {
    const lock = stack.sql("SELECT pg_advisory_lock(1886614891, 1), pg_sleep(600)").catch(() => undefined);
    const holders = "FROM pg_locks WHERE locktype = 'advisory' AND granted";
    await until("the lock", async () => (await stack.sql(`SELECT count(*) ${holders}`)) === "1", 30);
    await stack.kubectl(["create", "job", "--from=cronjob/postgres-backup", "skipped"]);
    await stack.kubectl(["wait", "--for=condition=Failed", "job/skipped", "--timeout=120s"]);
    await stack.sql(`SELECT pg_terminate_backend(pid) ${holders}`);
    await lock;
    const reasons = await stack.get("job/skipped", ".status.conditions[*].reason");
    expect(reasons).to.include("PodFailurePolicy").and.not.include("BackoffLimitExceeded");
    const ends = "{.items[*].status.containerStatuses[*].state.terminated.message}";
    const messages = await stack.kubectl(["get", "pod", "-l=job-name=skipped", `-o=jsonpath=${ends}`]);
    expect(messages).to.match(/^skipped: /);
    expect(messages.match(/skipped: /g), "pods").to.have.length(1);
    await stack.kubectl(["delete", "job", "skipped"]);
  });

  it("jobs are admitted in a namespace with a quota on CPU and memory", async () => {
    const hard = ["requests.cpu=2", "requests.memory=2Gi", "limits.cpu=4", "limits.memory=4Gi"];
    await stack.kubectl(["create", "quota", "everything", `--hard=${hard.join(",")}`]);
  });

  it("a manual backup from the CronJob completes and is listed below the major", async () => {
    await stack.kubectl(["create", "job", "--from=cronjob/postgres-backup", "by-hand"]);
    await stack.kubectl(["wait", "--for=condition=Complete", "job/by-hand", "--timeout=180s"]);
    expect(stack.outputs.backupPrefix).to.match(/\/18$/);
    const list = await stack.exec("bash", "-c", `${WALG} backup-list 2>&1`);
    expect(list).to.include("base_0000000100000");
    await until(
      "wal-verify to find every segment",
      async () => {
        const report = await stack.exec("bash", "-c", `${WALG} wal-verify integrity 2>&1`);
        return report.includes("integrity check status: OK");
      },
      60,
    );
  });

  it("a setting that needs no restart is live after up: same pod, same postmaster", async () => {
    const before = [await pod(), await started()];
    stack.set({ postgres: memory({ work_mem: "7MB" }) });
    await stack.up();
    expect(await stack.sql("SHOW work_mem")).to.equal("7MB");
    expect([await pod(), await started()]).to.deep.equal(before);
    await stack.kubectl(["delete", "quota", "everything"]); // other tests' pods say nothing about CPU
  });

  it("a setting that needs a restart restarts the pod exactly once", async () => {
    const before = await pod();
    const generation = Number(await stack.get("statefulset/postgres", ".metadata.generation"));
    stack.set({ postgres: memory({ work_mem: "7MB", shared_buffers: "96MB" }) });
    await stack.up();
    expect(await stack.sql("SHOW shared_buffers")).to.equal("96MB");
    expect(await pod()).not.to.equal(before);
    expect(await restarts()).to.equal("0");
    expect(Number(await stack.get("statefulset/postgres", ".metadata.generation"))).to.equal(generation + 1);
  });

  it("a restart that the server would not come back from is refused, with what it holds; then the same update goes through", async () => {
    const before = [await pod(), await started()];
    await stack.sql("SELECT pg_create_physical_replication_slot('held')");
    stack.set({ postgres: memory({ work_mem: "7MB", shared_buffers: "96MB", max_replication_slots: 0 }) });
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.include("max_replication_slots = 0 is too few for 1 replication slots (held)");
    expect([await pod(), await started()]).to.deep.equal(before);
    await stack.sql("SELECT pg_drop_replication_slot('held')");
    await stack.up();
    expect(await stack.sql("SHOW max_replication_slots")).to.equal("0");
  });

  it("a setting that PostgreSQL rejects ends the update with its message; the old values stay in effect", async () => {
    const before = [await pod(), await started()];
    stack.set({
      postgres: memory({
        work_mem: "8MB",
        shared_buffers: "96MB",
        shared_preload_libraries: "no_such_library",
      }),
    });
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    expect(stdout).to.include('could not access file "no_such_library"');
    expect([await pod(), await started()]).to.deep.equal(before);
    expect(await stack.sql("SHOW work_mem")).to.equal("7MB");
    expect(await stack.get("configmap/postgres-conf", ".data")).not.to.include("no_such_library");
  });

  it("and the next good update goes through", async () => {
    stack.set({ postgres: memory({ work_mem: "7MB", shared_buffers: "96MB" }) });
    await stack.up();
    const { code, stdout } = await stack.preview(["--expect-no-changes"]);
    expect(code, stdout).to.equal(0);
  });

  it("bad settings end in one list, and the cluster is not asked for anything", async () => {
    const before = await stack.get("statefulset/postgres", ".metadata.resourceVersion");
    stack.set({ dataSize: "10GB", wrong: 1, access: { role: 'a"b' } });
    const { code, stdout } = await stack.tryUp();
    expect(code).not.to.equal(0);
    for (const path of ["dataSize", "wrong", "access.role"]) expect(stdout).to.include(path);
    expect(await stack.get("statefulset/postgres", ".metadata.resourceVersion")).to.equal(before);
    stack.set({ dataSize: "1Gi", wrong: undefined, access: undefined });
  });

  it("the volume grows under the running server", async () => {
    const before = [await pod(), await started()];
    const blocks = async () => Number(await stack.exec("stat", "-f", "-c", "%b", "/var/lib/postgresql"));
    const small = await blocks();
    stack.set({ dataSize: "2Gi" });
    await stack.up();
    await until("the grown file system", async () => (await blocks()) > 1.9 * small, 60);
    expect([await pod(), await started()]).to.deep.equal(before);
  });

  it("and never shrinks: refused at preview with both figures", async () => {
    stack.set({ dataSize: "1Gi" });
    const { code, stdout } = await stack.preview();
    expect(code).not.to.equal(0);
    expect(stdout).to.include("the volume has 5120Mi and can't shrink to 2560Mi");
    stack.set({ dataSize: "2Gi" });
  });

  it("every acknowledged row survives kill -9 of the postmaster under load", async () => {
    const writer = new Writer(stack);
    await writer.start();
    await stack.exec("bash", "-c", 'kill -9 "$(head -1 "$PGDATA/postmaster.pid")"');
    await writer.progress();
    const { acknowledged, missing } = await writer.missingRows();
    expect(acknowledged).to.be.above(200);
    expect(missing).to.equal("");
  });

  it("every acknowledged row survives a pod deleted by force", async () => {
    const writer = new Writer(stack);
    await writer.start();
    const before = await pod();
    await stack.kubectl(["delete", "pod", "postgres-0", "--force", "--grace-period=0"]);
    await until("another pod", async () => (await pod()) !== before, 120);
    await writer.progress();
    const { missing } = await writer.missingRows();
    expect(missing).to.equal("");
  });
});
