import { IMAGE } from "./docker";
import "./hooks";
import { skip } from "../lib/skip";
import { storeIsThere, torture } from "../torture/run";
import { imageOf, majorsAreThere } from "./majors";

const SEQUENCES = 12;
const STEPS = 6;
/** Always the same sequences; `make torture` plays others. */
const SEED = 18;
/** In parallel, so that one works while another waits. */
const JOBS = 2;

describe("image: random histories", () => {
  it(`of ${SEQUENCES} sequences lose nothing that was acknowledged`, async function () {
    this.timeout("45m");
    if (!storeIsThere) skip(this, "an object store (S3_ENDPOINT, S3_BUCKET, ...) is missing");
    const images = new Map([[18, IMAGE]]);
    if (majorsAreThere(17)) images.set(17, await imageOf(17));
    const jobs = Array.from({ length: JOBS }, (_, job) =>
      torture({ sequences: SEQUENCES / JOBS, steps: STEPS, seed: SEED + job, images, shrink: false }),
    );
    await Promise.all(jobs);
  });
});
