// The engine's end of the worker thread: questions, answers, and what becomes of questions when the thread ends.
import { Worker } from 'node:worker_threads'
import { EngineError } from '../engine.ts'
import { readableError } from './messages.ts'
import type { Answer, Envelope, Reply, Request } from './protocol.ts'

/** Answers come in the order of the questions. Every failure, the end of the thread included, is an EngineError. */
export class WorkerThread {
  readonly #worker: Worker
  readonly #pending = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void; names: string | undefined }>()
  #next = 0
  #ended: string | undefined

  constructor(path: string) {
    this.#worker = new Worker(path)
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#receive(answer))
    this.#worker.on('error', error => this.#end(`the onnxruntime worker failed: ${readableError(error.message)}`))
    this.#worker.on('exit', code => this.#end(`the onnxruntime worker ended unexpectedly (exit code ${code})`))
  }

  /** `given` buffers go over to the worker instead of being copied. Errors name nodes by their places in `names`. */
  ask(body: Request, given: readonly ArrayBuffer[] = [], names?: string): Promise<Reply> {
    if (this.#ended !== undefined) return Promise.reject(new EngineError(this.#ended))
    const id = this.#next++
    // The process must not end while an answer is awaited, and need not stay for an idle worker.
    this.#worker.ref()
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, names })
      this.#worker.postMessage({ id, body } satisfies Envelope<Request>, given)
    })
  }

  async close(): Promise<void> {
    this.#end('the engine is closed')
    await this.#worker.terminate()
  }

  #receive(answer: Answer): void {
    const waiting = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (this.#pending.size === 0) this.#worker.unref()
    if ('error' in answer) waiting?.reject(new EngineError(readableError(answer.error, waiting.names)))
    else waiting?.resolve(answer.body)
  }

  #end(reason: string): void {
    this.#ended ??= reason
    for (const { reject } of this.#pending.values()) reject(new EngineError(this.#ended))
    this.#pending.clear()
  }
}
