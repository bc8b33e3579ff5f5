import { daemonAnswers, prepareImage, removeRun } from "./docker";
import { imageOf, majorsAreThere, removeMajors } from "./majors";

/** Builds the images before the tests begin, once for all files; what goes wrong here, each file's own hook says. */
export async function build(): Promise<void> {
  if (!(await daemonAnswers())) return;
  await prepareImage().catch(() => undefined);
  for (const major of [17, 19].filter((it) => majorsAreThere(it)))
    await imageOf(major).catch(() => undefined);
}

/** Removes what the tests of this run left in Docker, also those that were killed. */
export async function remove(): Promise<void> {
  if (!(await daemonAnswers())) return;
  await removeMajors();
  await removeRun();
}
