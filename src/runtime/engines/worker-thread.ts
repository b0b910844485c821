// The engine's end of a worker thread: questions, answers, and what becomes of questions when the thread ends.
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { EngineError } from './engine.ts'
import type { Answer, Envelope, Reply, Request, WorkerKind } from './worker-protocol.ts'

/** An error's message in the user's terms; `names` are those that belong to the question. */
export type Readable = (message: string, names?: string) => string

/** Answers come in the order of the questions. Every failure, the end of the thread included, is an EngineError. */
export class WorkerThread<K extends WorkerKind> {
  readonly #worker: Worker
  readonly #readable: Readable
  readonly #pending = new Map<number, { resolve: (reply: Reply<K>) => void; reject: (error: Error) => void; names: string | undefined }>()
  #next = 0
  #ended: string | undefined

  /** `engine` names it in messages. Throws EngineError if the worker at `path` is not built. */
  constructor(engine: string, path: string, readable: Readable) {
    if (!existsSync(path)) throw new EngineError(`${path} is missing: run npm run build`)
    this.#readable = readable
    this.#worker = new Worker(path)
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer<K>) => this.#receive(answer))
    this.#worker.on('error', error => this.#end(`the ${engine} worker failed: ${readable(error.message)}`))
    this.#worker.on('exit', code => this.#end(`the ${engine} worker ended unexpectedly (exit code ${code})`))
  }

  /** `given` buffers go over to the worker instead of being copied. */
  ask(body: Request<K>, given: readonly ArrayBuffer[] = [], names?: string): Promise<Reply<K>> {
    if (this.#ended !== undefined) return Promise.reject(new EngineError(this.#ended))
    const id = this.#next++
    // The process must not end while an answer is awaited, and need not stay for an idle worker.
    this.#worker.ref()
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, names })
      this.#worker.postMessage({ id, body } satisfies Envelope<Request<K>>, given)
    })
  }

  async close(): Promise<void> {
    this.#end('the engine is closed')
    await this.#worker.terminate()
  }

  #receive(answer: Answer<K>): void {
    const waiting = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (this.#pending.size === 0) this.#worker.unref()
    if ('error' in answer) waiting?.reject(new EngineError(this.#readable(answer.error, waiting.names)))
    else waiting?.resolve(answer.body)
  }

  #end(reason: string): void {
    this.#ended ??= reason
    for (const { reject } of this.#pending.values()) reject(new EngineError(this.#ended))
    this.#pending.clear()
  }
}
