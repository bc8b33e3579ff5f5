import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hopeless, until } from "../../local/process";

/**
 * What the files of a run share, such as a volume to copy from: the first process that needs it creates it, the others wait.
 * It must be fit for JSON, and stay until the run ends. A file that mocha runs alone creates its own.
 */
export async function shared<T>(name: string, make: () => Promise<T>): Promise<T> {
  const folder = process.env.TEST_FOLDER;
  if (!folder) return make();
  const [made, failed] = ["json", "failed"].map((end) => join(folder, `${name}.${end}`)) as [string, string];
  if (!isFirst(join(folder, `${name}.begun`))) {
    return until(`another file's ${name}`, async () => read<T>(made, failed), 300);
  }
  try {
    const value = await make();
    writeFileSync(`${made}.new`, JSON.stringify(value));
    renameSync(`${made}.new`, made);
    return value;
  } catch (error) {
    writeFileSync(failed, String(error));
    throw error;
  }
}

/** Whether this is the first process of the run to come here. */
function isFirst(file: string): boolean {
  try {
    closeSync(openSync(file, "wx"));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function read<T>(made: string, failed: string): T | undefined {
  if (existsSync(failed)) throw new Hopeless(readFileSync(failed, "utf8"));
  return existsSync(made) ? JSON.parse(readFileSync(made, "utf8")) : undefined;
}
