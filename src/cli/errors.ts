// Mistakes of the user, by the exit code that they end with.

/** A mistake that has been explained already, or that `message` explains: exit code 1. */
export class UserError extends Error {}

/** The options do not make sense together: exit code 2. */
export class UsageError extends Error {}
