/** Ends the process with only the message: a stack trace doesn't help users. */
export function fail(error: Error): never {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
