/**
 * `make torture`: plays random sequences of everything that can happen to a database, and compares what it serves with a ledger.
 * Needs Docker and an S3 store. TORTURE_SEQUENCES (1000), TORTURE_JOBS (3 at a time), TORTURE_SEED and TORTURE_PATH (as printed:
 * the same sequence again), TORTURE_SHRINK=false (no search for the shortest sequence), TORTURE_VERBOSE=1 (prints each).
 */
import { cleanUp, IMAGE } from "../image/docker";
import { imageOf, majorsAreThere } from "../image/majors";
import { build, remove } from "../image/prepare";
import { storeIsThere, torture } from "./run";

const STEPS = 10;
const seed = Number(process.env.TORTURE_SEED ?? Date.now() % 1_000_000_000);
/** The part after a colon leads to a shorter sequence, which fast-check generates again. */
const path = process.env.TORTURE_PATH?.split(":")[0];
const jobs = path === undefined ? Number(process.env.TORTURE_JOBS ?? 3) : 1;
const shrink = process.env.TORTURE_SHRINK !== "false";
const sequences = Number(process.env.TORTURE_SEQUENCES ?? 1000);

async function main(): Promise<void> {
  if (!storeIsThere)
    throw new Error("no object store: set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY");
  await build();
  const images = new Map([[18, IMAGE]]);
  if (majorsAreThere(17)) images.set(17, await imageOf(17));
  console.log(
    `${sequences} sequences, ${jobs} at a time, seeds from ${seed}${images.has(17) ? "" : "; without upgrades"}`,
  );
  const began = Date.now();
  try {
    const share = Math.ceil(sequences / jobs);
    const all = Array.from({ length: jobs }, (_, job) =>
      torture({ sequences: share, steps: STEPS, seed: seed + job, path, images, shrink }).then(
        () => 0,
        (error) => {
          console.error(error.message); // at once: the other jobs run for hours
          return 1;
        },
      ),
    );
    const failed = (await Promise.all(all)).reduce<number>((sum, it) => sum + it, 0);
    console.log(`${failed} of ${jobs} jobs failed, ${Math.round((Date.now() - began) / 1000)} s`);
    if (failed > 0) process.exitCode = 1;
  } finally {
    await cleanUp();
    await remove();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
