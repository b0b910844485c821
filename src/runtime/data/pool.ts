// Worker threads that do jobs: first come, first served; their errors come back as what they were.
import { Worker } from 'node:worker_threads'
import { workerPath } from '../worker-path.ts'
import { DataError } from './dataset.ts'
import { FileError } from '../files.ts'

/** What a worker answers. */
export type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: { readonly kind: 'data' | 'file' | 'other'; readonly message: string; readonly stack: string | undefined } }

interface Job { readonly id: number; readonly content: unknown; resolve(result: unknown): void; reject(error: Error): void }

function revive({ kind, message, stack }: { kind: 'data' | 'file' | 'other'; message: string; stack: string | undefined }): Error {
  if (kind === 'data') return new DataError(message)
  if (kind === 'file') return new FileError(message)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}

/** A fixed number of threads of dist/data-worker.js. After one has failed every job is rejected with its reason. */
export class WorkerPool {
  readonly #workers: { readonly thread: Worker; job: Job | undefined }[]
  readonly #waiting: Job[] = []
  #next = 0
  #failure: Error | undefined

  /** `setup` reaches each worker as its workerData. */
  constructor(size: number, setup: unknown) {
    this.#workers = Array.from({ length: size }, () => ({ thread: new Worker(workerPath('data-worker'), { workerData: setup }), job: undefined as Job | undefined }))
    for (const worker of this.#workers) {
      worker.thread.on('message', (answer: Answer) => {
        const job = worker.job
        worker.job = undefined
        this.#feed()
        if ('error' in answer) job?.reject(revive(answer.error))
        else job?.resolve(answer.result)
      })
      worker.thread.on('error', error => this.#fail(new DataError(`a data worker stopped: ${error.message}. The last checkpoint is untouched; if memory ran out, a smaller batch (--set train.batch=...) helps`)))
      worker.thread.on('exit', code => this.#fail(new DataError(`a data worker ended with code ${code}: was it stopped from outside? The last checkpoint is untouched`)))
    }
  }

  run(content: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure)
      this.#waiting.push({ id: this.#next++, content, resolve, reject })
      this.#feed()
    })
  }

  #feed(): void {
    for (const worker of this.#workers) {
      if (this.#waiting.length === 0) return
      if (worker.job) continue
      worker.job = this.#waiting.shift()!
      worker.thread.postMessage({ id: worker.job.id, content: worker.job.content })
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const lost = [...this.#workers.flatMap(w => w.job ?? []), ...this.#waiting]
    for (const worker of this.#workers) worker.job = undefined
    this.#waiting.length = 0
    for (const job of lost) job.reject(this.#failure)
  }

  /** Ends the threads; jobs that are not done are rejected. */
  async close(): Promise<void> {
    this.#fail(new Error('the data workers were closed'))
    await Promise.all(this.#workers.map(w => w.thread.terminate()))
  }
}
