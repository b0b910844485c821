// Several mistakes of a user, found before anything is done, and told together.
import { UsageError, UserError } from './errors.ts'
import { isExplained } from './explained.ts'

export class Mistakes {
  readonly #found: Error[] = []

  /** What `body` gives; undefined if it throws a user's mistake, which is kept. */
  async try<T>(body: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await body()
    } catch (error) {
      if (!isExplained(error)) throw error
      this.#found.push(error)
      return undefined
    }
  }

  get any(): boolean { return this.#found.length > 0 }

  /** Throws if there was any: UsageError if all were mistakes of usage. Those without a message have been told already. */
  check(): void {
    if (!this.any) return
    const told = this.#found.filter(e => e.message !== '')
    if (told.length === 1) throw told[0]
    const message = told.map(e => e.message).join('\nerror: ')
    throw this.#found.every(e => e instanceof UsageError) ? new UsageError(message) : new UserError(message)
  }
}
