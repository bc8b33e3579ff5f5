import { expect } from "chai";
import { Container, environment, runOnce } from "./docker";
import "./hooks";
import { boot, bootCopy, copyOf, givenPrepared, options, request, rows, VOLUME } from "./restore";

const WAL = `${VOLUME}/archive/18/wal_005`;
const BASE = `${VOLUME}/archive/18/basebackups_005`;

describe("image: a restore is refused, and the old data serve on", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("3m");
  });

  /** Boots a copy, changed by a script, with a request that is refused. Returns the error line. */
  async function refusal(variables: Record<string, string>, script?: string): Promise<string> {
    return refusalOf(await bootCopy(prepared.volume, variables, script));
  }

  /** The error line of a server whose request is refused; the container is gone. */
  async function refusalOf(database: Container): Promise<string> {
    expect(await rows(database)).to.equal("25..25");
    const errors = (await database.logs()).match(/^.* ERROR \[entrypoint\].*$/gm) ?? [];
    expect(errors).to.have.length(1);
    expect((await database.exec("ls", `${VOLUME}/18`)).stdout).to.equal("docker");
    await database.stop();
    await database.remove();
    return errors[0] as string;
  }

  it("before the end of the first base backup, with what could be reached", async () => {
    const volume = await copyOf(prepared.volume);
    const wanted = request(prepared.tooEarly);
    const message = await refusalOf(await boot(volume, wanted));
    expect(message).to.contain("no base backup ended before the target");
    expect(message).to.match(/reachable on timeline 1: from \S+ \S+ to now; base backups: base_\w+ \(ended/);
    expect(message).to.contain(
      "The old data were not touched and serve on; for another attempt choose a new id",
    );
    const next = await boot(volume, wanted);
    expect(await next.logs()).to.match(/WARN .* restore one was refused: no base backup ended/);
    expect((await next.exec("restore.sh", "--list")).stdout).to.contain("one refused at");
    await next.remove();
  });

  it("in the future", async () => {
    expect(await refusal(request("2100-01-01T00:00:00Z"))).to.contain("is after the end of the archive");
  });

  it("at a time without a zone, or at nonsense", async () => {
    expect(await refusal(request("2026-11-23 15:00:00"))).to.contain(
      "has no zone: write it as '2026-11-23 15:00:00Z'",
    );
    expect(await refusal(request("yesterday"))).to.contain("is none of: latest, a time with zone");
  });

  it("beyond a gap in the WAL, which is named", async () => {
    const gap = `rm ${WAL}/000000010000000000000003.*; rm -f ${VOLUME}/18/docker/pg_wal/000000010000000000000003`;
    const message = await refusal(request("latest"), `${gap}; rm -r ${BASE}/${prepared.backups[1]}*`);
    expect(message).to.contain("WAL segment 000000010000000000000003, needed between base backup");
    expect(message).to.contain("(000000010000000000000003 is missing)");
  });

  it("where every base backup is damaged", async () => {
    const message = await refusal(request("latest"), `rm ${BASE}/*/tar_partitions/part_001*`);
    expect(message).to.match(/is damaged: its part part_001\S+ is missing/);
  });

  it("where a part is damaged inside, soon, with the advice to take an older base backup", async () => {
    const volume = await copyOf(
      prepared.volume,
      `part="$(ls ${BASE}/${prepared.backups[1]}/tar_partitions/part_001*)"; printf damaged | dd of="$part" bs=1 seek=200000 conv=notrunc`,
    );
    const message = await refusalOf(await boot(volume, request("latest", { RESTORE_STALL_SECONDS: "5" })));
    expect(message).to.match(
      /base_\w+ can't be fetched \(attempt 1 of 3\): its part part_001\S+ can't be read \(.+\): name an older base backup with RESTORE_BACKUP/,
    );
    const older = request("latest", { RESTORE_ID: "two", RESTORE_BACKUP: prepared.backups[0] as string });
    const database = await boot(volume, older);
    await database.logged(/restore two done/);
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });

  it("where WAL can't be read while it is replayed; the server is not promoted early", async () => {
    const wanted = request("latest", { RESTORE_BACKUP: prepared.backups[0] as string });
    const unreadable = `chmod 000 ${WAL}/000000010000000000000003.*`;
    const database = await bootCopy(prepared.volume, wanted, unreadable);
    const log = await database.logs();
    expect(await rows(database)).to.equal("25..25");
    expect(log).to.contain("recovery stopped (attempt 3 of 3");
    expect(log)
      .to.contain("restore one failed: recovery failed 3 times")
      .and.not.to.contain("selected new timeline");
    await database.remove();
  });

  it("where a target never comes, after all base backups were tried", async () => {
    const message = await refusal(request("name:never"));
    expect(message).to.match(
      /all WAL was replayed and the target name:never did not come; the last commit in it: \d{4}-/,
    );
  });

  it("from a base backup that is not there, from another major, or by an id that can't be one", async () => {
    expect(await refusal(request("latest", { RESTORE_BACKUP: "base_0000000100000000000000FF" }))).to.contain(
      "no base backup base_0000000100000000000000FF ended before",
    );
    expect(await refusal(request("latest", { RESTORE_FROM: `${VOLUME}/archive/17` }))).to.contain(
      "does not end in /18",
    );
    expect(await refusal(request("latest", { RESTORE_ID: "a/b" }))).to.contain("the id must be");
  });

  it("when an id that was used asks for something else", async () => {
    const volume = await copyOf(prepared.volume);
    await refusalOf(await boot(volume, request("2100-01-01T00:00:00Z")));
    expect(await refusalOf(await boot(volume, request("latest")))).to.contain(
      "this id was used before (refused, to=2100",
    );
  });

  it("without room for a second copy, with the figures", async () => {
    const size = [
      "--mount",
      `type=tmpfs,destination=${VOLUME},tmpfs-size=235m`,
      "-v",
      `${prepared.volume}:/from:ro`,
    ];
    const variables = {
      ...request("latest"),
      POSTGRES_PASSWORD: "new",
      WALG_FILE_PREFIX: `${VOLUME}/archive`,
    };
    const start = `cp -a /from/. ${VOLUME}/ && exec entrypoint.sh postgres`;
    const database = await Container.start(
      [...size, ...environment({ ...variables, BACKUP_SCHEDULE: "external" })],
      ["bash", "-c", start],
    );
    await database.isUp();
    expect(await database.logs()).to.match(
      /too small for a second copy: room needed \d+ MiB, found \d+ MiB; grow it/,
    );
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });

  it("on an empty volume it ends the start, and initialises nothing", async () => {
    const volume = await copyOf(prepared.volume, `rm -r ${VOLUME}/18 ${VOLUME}/.postgres-stack`);
    const { code, stderr } = await runOnce(options(volume, request("2100-01-01T00:00:00Z")));
    expect(code).to.equal(1);
    expect(stderr).to.contain("There are no old data to serve, and nothing was initialised");
  });
});
