import { spawn } from "node:child_process";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
  /** Milliseconds until the process is killed. Default: 10 minutes. */
  readonly timeout?: number;
}

/** Runs a program to its end and leaves the exit code to the caller. */
export function attempt(command: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    // not spawn's own timeout, which keeps Node.js running that long if the program is missing
    const deadline = setTimeout(() => child.kill(), options.timeout ?? 600_000);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.on("error", (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(deadline);
      resolve({ code: code ?? -1, stdout, stderr });
    });
    child.stdin.on("error", () => {}); // the program may end before it has read all input
    child.stdin.end(options.input ?? "");
  });
}

/** Like {@link attempt}, but any exit code other than 0 is an error with both outputs. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** An error that makes further waiting pointless: {@link until} rethrows it at once. */
export class Hopeless extends Error {}

/**
 * Calls `condition` until it returns something other than undefined and false.
 *
 * @param seconds deadline; its error names `what` and the last failure
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: unknown = "the condition did not hold";
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s; last: ${last}`);
    await new Promise((wake) => setTimeout(wake, 200));
  }
}
