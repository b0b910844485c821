// Worker threads that do jobs: first come, first served; their errors come back as what they were.
import { Worker } from 'node:worker_threads'
import { workerPath } from '../worker-path.ts'
import { DataError } from './dataset.ts'
import { FileError } from '../files.ts'

/** What a worker answers. */
export type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: { readonly kind: 'data' | 'file' | 'other'; readonly message: string; readonly stack: string | undefined } }

interface Job { readonly id: number; readonly content: unknown; /** a thread has died of it */ retried: boolean; resolve(result: unknown): void; reject(error: Error): void }

function revive({ kind, message, stack }: { kind: 'data' | 'file' | 'other'; message: string; stack: string | undefined }): Error {
  if (kind === 'data') return new DataError(message)
  if (kind === 'file') return new FileError(message)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}

interface Slot { thread: Worker; job: Job | undefined; error: Error | undefined }

/** Deaths of threads that a pool makes up for. */
const mostRestarts = 3

/** A fixed number of threads of dist/data-worker.js. One that dies is started again, and does its job again; a job of which two threads die, or a fourth death, ends the pool: every job is rejected with the reason. */
export class WorkerPool {
  readonly #setup: unknown
  readonly #note: (text: string) => void
  readonly #slots: Slot[]
  readonly #waiting: Job[] = []
  #next = 0
  #restarts = 0
  #failure: Error | undefined

  /** `setup` reaches each worker as its workerData; `note` is told of threads that are started again. */
  constructor(size: number, setup: unknown, note: (text: string) => void = () => {}) {
    this.#setup = setup
    this.#note = note
    this.#slots = Array.from({ length: size }, () => {
      const slot: Slot = { thread: this.#start(() => slot), job: undefined, error: undefined }
      return slot
    })
  }

  #start(slotOf: () => Slot): Worker {
    const thread = new Worker(workerPath('data-worker'), { workerData: this.#setup })
    thread.on('message', (answer: Answer) => {
      const slot = slotOf()
      const { job } = slot
      slot.job = undefined
      this.#feed()
      if ('error' in answer) job?.reject(revive(answer.error))
      else job?.resolve(answer.result)
    })
    thread.on('error', error => { slotOf().error = error })
    thread.on('exit', code => { if (this.#failure === undefined) this.#died(slotOf(), code) })
    return thread
  }

  #died(slot: Slot, code: number): void {
    const { job, error } = slot
    const how = error === undefined ? `ended with code ${code}: was it stopped from outside?` : `stopped: ${error.message}.`
    if (job?.retried === true || this.#restarts === mostRestarts) return this.#fail(new DataError(`a data worker ${how} The last checkpoint is untouched${error === undefined ? '' : '; if memory ran out, a smaller batch (--set train.batch=...) helps'}`))
    this.#restarts++
    this.#note(`note: a data worker ${how} It is started again`)
    slot.job = slot.error = undefined
    slot.thread = this.#start(() => slot)
    if (job !== undefined) this.#waiting.unshift({ ...job, retried: true })
    this.#feed()
  }

  run(content: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure)
      this.#waiting.push({ id: this.#next++, content, retried: false, resolve, reject })
      this.#feed()
    })
  }

  #feed(): void {
    for (const worker of this.#slots) {
      if (this.#waiting.length === 0) return
      if (worker.job) continue
      worker.job = this.#waiting.shift()!
      worker.thread.postMessage({ id: worker.job.id, content: worker.job.content })
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const lost = [...this.#slots.flatMap(w => w.job ?? []), ...this.#waiting]
    for (const worker of this.#slots) worker.job = undefined
    this.#waiting.length = 0
    for (const job of lost) job.reject(this.#failure)
  }

  /** Ends the threads; jobs that are not done are rejected. */
  async close(): Promise<void> {
    this.#fail(new Error('the data workers were closed'))
    await Promise.all(this.#slots.map(w => w.thread.terminate()))
  }
}
