import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hopeless, until } from "../../local/process";

/**
 * What the files of a run share, such as a volume to copy from: made by the process that asks first, waited for by the others.
 * It must be fit for JSON, and stay until the run ends. A file that mocha runs by itself makes its own.
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

/** Whether no other process has come here before. */
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
