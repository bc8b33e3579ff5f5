/** An error of the caller; printed without a stack trace. */
export class UsageError extends Error {}
