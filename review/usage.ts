/** What the caller has to put right; told without a stack trace. */
export class UsageError extends Error {}
