import { skip } from "../lib/skip";
import { cleanUp, daemonAnswers, evidence, prepareImage } from "./docker";
import { remove } from "./prepare";

// Root hooks of this layer: without a Docker daemon every test counts as skipped.
let available = false;
/** Milliseconds that a test may take unless it or its suite grants more. */
const LEAST = 120_000;

before("a Docker daemon, and the image built", async function () {
  this.timeout("10m");
  available = await daemonAnswers();
  if (!available) skip(this, "no Docker daemon answers");
  await prepareImage();
});

beforeEach(function () {
  const test = this.currentTest;
  if (test && test.timeout() < LEAST) test.timeout(LEAST);
});

afterEach(async function () {
  if (this.currentTest?.state !== "failed") return;
  console.log(await evidence());
});

after(async function () {
  this.timeout("2m");
  if (!available) return;
  await cleanUp();
  if (!process.env.TEST_RUN) await remove(); // else the run removes it, when all files have ended
});
