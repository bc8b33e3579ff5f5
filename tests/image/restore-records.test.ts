import { expect } from "chai";
import { Container, environment, runOnce } from "./docker";
import "./hooks";
import {
  boot,
  change,
  copyOf,
  givenPrepared,
  insert,
  options,
  request,
  restoreDone,
  restored,
  rows,
  VOLUME,
  withArchive,
} from "./restore";

const RECORDS = `${VOLUME}/.postgres-stack`;
/** A folder in which there is no room for a single byte. */
const FULL = ["--tmpfs", `${RECORDS}/restores:uid=999,gid=999,mode=0700,size=4k`];
const FILL = `head -c 4096 /dev/zero >${RECORDS}/restores/filler`;

describe("image: records that can't be written or read", () => {
  const prepared = givenPrepared();

  beforeEach(function () {
    this.currentTest?.timeout("5m");
  });

  it("a restore whose outcome can't be written happens once all the same: rows written since stay, and it is recorded later", async () => {
    const volume = await copyOf(prepared.volume, `mkdir -p ${RECORDS}/restores`);
    const wanted = request(prepared.targets.time.to, { RESTORE_KEEP_OLD: "false" });
    const start = ["bash", "-c", `${FILL}; exec entrypoint.sh postgres`];
    const database = await Container.start([...options(volume, wanted), ...FULL], start);
    await database.isUp();
    await database.logged(/ERROR .*restores\/one.restore can't be written \(No space left on device\)/);
    await database.logged(/ERROR .* the restore is not finished: .*can.t be written/);
    expect(await rows(database)).to.equal("13..13");
    await insert(database, 99, 99);
    await database.stop();
    await database.start();
    await database.isUp();
    expect(await rows(database)).to.equal("14..99");
    await database.stop();
    await database.remove();

    const mended = await boot(volume, wanted);
    await restored(mended);
    expect(await rows(mended)).to.equal("14..99");
    await mended.stop();
    await mended.start();
    await mended.isUp();
    expect(await rows(mended)).to.equal("14..99");
    await mended.remove();
  });

  it("a failed restore whose outcome can't be written is not taken for one that was never asked for", async () => {
    const volume = await copyOf(prepared.volume, `mkdir -p ${RECORDS}/restores`);
    const start = ["bash", "-c", `${FILL}; exec entrypoint.sh postgres`];
    const refused = await runOnce([...options(volume, request("2100-01-01T00:00:00Z")), ...FULL], start);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain("restores/one.restore can't be written (No space left on device)");
    await change(volume, `grep -qx step=requested ${RECORDS}/restore`);
    const mended = await boot(volume, request("2100-01-01T00:00:00Z"));
    expect(await mended.logs()).to.contain("is after the end of the archive");
    expect(await rows(mended)).to.equal("25..25");
    await mended.remove();
  });

  it("an outcome of an upgrade too is an error when it can't be written, and what it said before is still there", async () => {
    const script = `. /usr/local/bin/entrypoint.sh; cd ${RECORDS}/restores; declare -A result=([state]="done" [message]="it is done")
      echo state=before >x; head -c 8192 /dev/zero >filler || true
      attempt write_outcome result ${RECORDS}/restores/x point; echo "$STATUS: $PROBLEM"; cat x`;
    const full = ["--tmpfs", `${RECORDS}/restores:uid=999,gid=999,mode=0700,size=8k`];
    const { stdout, stderr } = await runOnce(full, ["gosu", "postgres", "bash", "-c", script]);
    expect(stdout, stderr).to.equal(
      `1: ${RECORDS}/restores/x can't be written (No space left on device)\nstate=before`,
    );
  });

  const JOURNAL = `id=one\nto=latest\nrequest=to=latest from= backup= timeline= keep_old=true\nkeep_old=true\nmajor=18\nboots=1\nold=present\nstarted_at=1\n`;
  const unreadable: [string, string, string, RegExp][] = [
    [
      "a line of garbage",
      "restore",
      `${JOURNAL}what is this\nstep=requested\n`,
      /its line 9 is no name=value: 'what is this'/,
    ],
    [
      "a step that no image knows",
      "restore",
      `${JOURNAL}step=dreaming\n`,
      /no step that this image knows \(id='one', step='dreaming'\)/,
    ],
    ["half of it", "restore", "id=one\nto=lat", /or has no id, or no step/],
    ["nothing in it", "restore", "", /it is empty, or has no id/],
    ["zeros", "restore", "\\0\\0\\0\\0\\0", /it is empty, or has no id/],
    ["a line of garbage in an upgrade's", "upgrade", "id=one\n=\n", /its line 2 is no name=value: '='/],
    ["no state in an outcome's", "restores/one.restore", "at=yesterday\n", /it has no state/],
    ["a line of garbage in a request's", "restore-request", "id=two\n[x]\n", /its line 2 is no name=value/],
  ];
  for (const [what, file, content, message] of unreadable) {
    it(`a record with ${what} ends the start with its name and the way out, and nothing is touched`, async () => {
      const copy = `cp -a /from/. ${VOLUME}; mkdir -p ${RECORDS}/restores; printf '${content}' >${RECORDS}/${file}`;
      const list = `ls -lR --time-style=full-iso ${VOLUME}/18`;
      const script = `${copy}; ${list} >/tmp/before; status=0
        entrypoint.sh postgres || status=$?; ${list} | diff /tmp/before -; exit $status`;
      const { code, stdout, stderr } = await runOnce(
        ["-v", `${prepared.volume}:/from:ro`, ...environment(withArchive(request("latest")))],
        ["bash", "-ec", script],
      );
      expect(code).to.equal(1);
      expect(stderr).to.match(message).and.to.not.contain("bad array subscript");
      expect(stderr).to.contain(`the record ${RECORDS}/${file} can't be understood`);
      expect(stderr).to.contain("Nothing was touched: correct it, or move it away");
      expect(stdout).to.equal("");
    });
  }

  it("a journal with empty lines is read as if they were not there", async () => {
    const volume = await copyOf(
      prepared.volume,
      `printf '\\n${JOURNAL.replaceAll("\n", "\\n\\n")}step=requested\\n\\n' >${RECORDS}/restore`,
    );
    const database = await boot(volume, { RESTORE_ID: "one", RESTORE_TO: "latest" });
    await restoreDone(database);
    expect(await database.logs()).to.contain("restore one was interrupted at step requested and goes on");
    expect(await rows(database)).to.equal("25..25");
    await database.remove();
  });
});
