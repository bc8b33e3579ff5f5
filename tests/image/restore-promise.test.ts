import { expect } from "chai";
import { environment, newVolume, runOnce } from "./docker";
import "./hooks";
import {
  boot,
  change,
  copyOf,
  inTurn,
  options,
  type Prepared,
  prepare,
  request,
  rows,
  VOLUME,
} from "./restore";

const SEGMENT = "000000010000000000000004";
const KINDS = ["latest", "time", "lsn"] as const;

describe("image: WAL that the plan promised", () => {
  let prepared: Prepared;
  let runs = new Map<string, Promise<{ rows: string; log: string }>>();

  /** Kills a restore at a point, then changes its volume. */
  async function stoppedAt(point: string, wanted: Record<string, string>, script: string): Promise<string> {
    const volume = await copyOf(prepared.volume);
    const { code, stderr } = await runOnce(options(volume, { ...wanted, POSTGRES_STACK_KILL_AT: point }));
    expect(code, stderr).to.equal(137);
    await change(volume, script);
    return volume;
  }
  const lost = `rm ${VOLUME}/archive/18/wal_005/${SEGMENT}.*; rm -f ${VOLUME}/18/docker/pg_wal/${SEGMENT}`;

  before(async function () {
    this.timeout("5m");
    prepared = await prepare();
    const to = { latest: "latest", time: prepared.late, lsn: "" };
    to.lsn = `lsn:0/${(5 * 2 ** 24).toString(16)}`;
    runs = inTurn([...KINDS], 2, async (kind) => {
      const first = { RESTORE_BACKUP: prepared.backups[0] as string };
      const wanted = request(to[kind as (typeof KINDS)[number]], first);
      const database = await boot(await stoppedAt("fetching:after", wanted, lost), wanted);
      const result = { rows: await rows(database), log: await database.logs() };
      await database.remove();
      return result;
    });
  });
  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  for (const kind of KINDS) {
    it(`and that is missing by now ends a restore to a ${kind} in the old data, not in a part of the new`, async () => {
      const { rows, log } = (await runs.get(kind)) as { rows: string; log: string };
      expect(rows).to.equal("25..25");
      expect(log).to.match(
        new RegExp(
          `restore one failed: recovery failed 3 times: ${SEGMENT} can't be fetched: it is missing in the archive, and was there`,
        ),
      );
      expect(log).not.to.contain("selected new timeline");
    });
  }

  it("and that is missing by now ends a clone before anything is served", async () => {
    const [source, volume] = [await copyOf(prepared.volume), await newVolume()];
    const mounts = ["-v", `${source}:/source:ro`, "-v", `${volume}:${VOLUME}`];
    const variables = { POSTGRES_PASSWORD: "new", CLONE_FROM: "/source/archive/18" };
    const kill = { POSTGRES_STACK_KILL_AT: "fetching:after" };
    expect((await runOnce([...mounts, ...environment({ ...variables, ...kill })])).code).to.equal(137);
    await change(source, `rm ${VOLUME}/archive/18/wal_005/000000010000000000000006.*`);
    const { code, stderr } = await runOnce([...mounts, ...environment(variables)]);
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /clone failed: .*000000010000000000000006 can't be fetched: it is missing.*nothing was initialised/,
    );
  });

  it("and that was not replayed fails the verification, which force passes over", async () => {
    const wanted = request("latest");
    const more = `sed -i -E 's/^(promised=.*-)([0-9]+)$/\\1999/' ${VOLUME}/.postgres-stack/restore; grep -q -- -999$ ${VOLUME}/.postgres-stack/restore`;
    const volume = await stoppedAt("verifying:after", wanted, more);
    const forced = await copyOf(volume);
    const old = await boot(volume, wanted);
    expect(await old.logs()).to.match(
      /restore one failed: WAL was replayed to 0\/\w+, and the archive promised it to 3\/E7000000 and further.*RESTORE_FORCE=true.*The old data were not touched/,
    );
    expect(await rows(old)).to.equal("25..25");
    await old.remove();
    const database = await boot(forced, { ...wanted, RESTORE_FORCE: "true" });
    await database.logged(/restore one done/);
    expect(await database.logs()).to.match(/WARN .* passed over by force: WAL was replayed to/);
    await database.remove();
  });
});
