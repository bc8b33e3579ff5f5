import { daemonAnswers, prepareImage, removeRun } from "./docker";
import { imageOf, majorsAreThere, removeMajors } from "./majors";

/** Builds the images before the tests begin, once for all files; each file's own hook reports what fails here. */
export async function build(): Promise<void> {
  if (!(await daemonAnswers())) return;
  await prepareImage().catch(() => undefined);
  for (const major of [17, 19].filter((it) => majorsAreThere(it)))
    await imageOf(major).catch(() => undefined);
}

/** Removes what this run's tests left in Docker, including killed ones. */
export async function remove(): Promise<void> {
  if (!(await daemonAnswers())) return;
  await removeMajors();
  await removeRun();
}
