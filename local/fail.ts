/** Ends the process with the message alone: a stack trace says nothing to a user. */
export function fail(error: Error): never {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
