// Compiling in a process of its own: the compiler's memory is free again before training begins.
import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { workerPath } from '../runtime/worker-path.ts'
import type { CompilerAnswer, Kind, ReplyOf, RequestOf } from './compiler-protocol.ts'
import { UserError } from './errors.ts'
import { reviveError } from './explained.ts'

export class CompilerProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #waiting: { resolve: (reply: never) => void; reject: (error: Error) => void } | undefined
  #failure: Error | undefined

  /** Starts the process. Throws UserError if it is not built. */
  constructor() {
    const path = workerPath('compiler-process')
    if (!existsSync(path)) throw new UserError(`${path} is missing: run npm run build`)
    this.#child = fork(path, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (answer: CompilerAnswer) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      if ('error' in answer) waiting?.reject(reviveError(answer.error))
      else waiting?.resolve(answer.reply as never)
    })
    this.#ended = new Promise(resolve => {
      this.#child.on('error', error => { this.#fail(`the compiler could not be started: ${error.message}`); resolve() })
      this.#child.on('exit', (code, signal) => {
        this.#fail(`the compiler ended unexpectedly (${signal ?? `exit code ${code}`}); if memory ran out, NODE_OPTIONS=--max-old-space-size=16384 lets it use more`)
        resolve()
      })
    })
  }

  /** One question at a time. Throws what answering it throws there. */
  ask<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ReplyOf<K>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#child.send({ kind, request })
    })
  }

  /** Ends the process; resolves when its memory is free. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#ended
  }

  #fail(message: string): void {
    this.#failure ??= new UserError(message)
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}
