import { expect } from "chai";
import { environment, newVolume, runOnce } from "./docker";
import "./hooks";
import { copyOf, VOLUME } from "./restore";

const STASHES = `${VOLUME}/.postgres-stack/binaries`;
/** Programs of an earlier image, complete. */
const EARLIER = `cp -a ${STASHES}/18-* ${STASHES}/18-earlier; touch -d yesterday ${STASHES}/18-earlier`;
/** This image's programs were not kept yet. */
const NOT_YET = `mv -T ${STASHES}/18-[0-9a-f]* ${STASHES}/18-earlier`;

/** Kill points, and what is on the volume before. */
const POINTS: [string, string][] = [
  ...["before", "synced", "renamed", "after"].map((moment): [string, string] => [`stash:${moment}`, NOT_YET]),
  ["stash-removed:renamed", EARLIER],
];

describe("image: the programs that are kept on the volume", () => {
  let kept: string;

  /** Runs a script with the image's functions on a volume. */
  const on = (volume: string, script: string, variables: Record<string, string> = {}) =>
    runOnce(
      ["-u", "postgres", "-v", `${volume}:${VOLUME}`, ...environment(variables)],
      ["bash", "-c", `. /usr/local/bin/entrypoint.sh; mkdir -p "$RUN"; ${script}`],
    );

  before("a volume with the programs of this image", async () => {
    kept = await newVolume();
    const { code, stderr } = await on(kept, "stash_binaries; name_old_programs 18; use_stash 18");
    expect(code, stderr).to.equal(0);
  });

  for (const [point, prepare] of POINTS) {
    it(`killed at ${point}, are whole then, and one set of them after the next start`, async () => {
      const volume = await copyOf(kept);
      const killed = await on(volume, `${prepare}; stash_binaries`, { POSTGRES_STACK_KILL_AT: point });
      expect(killed.code, killed.stderr).to.equal(137);
      const then = await on(
        volume,
        'name_old_programs 18; attempt use_stash 18; ((STATUS == 0)) || die "$PROBLEM"',
      );
      expect(then.code, then.stderr).to.equal(0);
      const { code, stdout, stderr } = await on(
        volume,
        `stash_binaries; name_old_programs 18; use_stash 18; ls ${STASHES}`,
      );
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/^18-[0-9a-f]{12}$/);
    });
  }
});
