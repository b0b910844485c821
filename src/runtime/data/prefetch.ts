// Batches for training, made ahead by worker threads; which samples they hold is a function of the step alone.
import { availableParallelism } from 'node:os'
import type { DataSpec, TaskSpec } from '../../compiler/tasks/spec.ts'
import { BatchLoader } from './batch.ts'
import type { BatchSetup, Feeds } from './batch.ts'
import { openCityscapes3d } from './cityscapes3d/reader.ts'
import type { ReaderOptions } from './cityscapes3d/reader.ts'
import { WorkerPool } from './pool.ts'
import { Random, seedOf } from './synth/random.ts'
import type { Setup } from './worker.ts'

/** One step's input: `image` and `target/<task>/<name>`, with the batch axis first. */
export interface Batch { readonly step: number; readonly ids: readonly string[]; readonly feeds: Feeds }

export interface BatchSource {
  /** The batch of the next step. Throws DataError; a step that failed fails again. */
  next(): Promise<Batch>
  /** Ends the worker threads. */
  close(): Promise<void>
}

export interface BatchOptions {
  readonly dataset: ReaderOptions & { readonly root: string; readonly split: string }
  /** ids of the split, if it was opened already: saves listing it again */
  readonly ids?: readonly string[]
  readonly data: DataSpec
  readonly tasks: readonly TaskSpec[]
  readonly batch: number
  readonly seed: number
  /** first step, counted from 0: a resumed run gets the batches that it would have got */
  readonly start?: number
  /** threads; 0 makes each batch in this thread when it is asked for. Default: one less than the cores, 1 to 4 */
  readonly workers?: number
  /** batches that may be under way or ready at a time; default: workers + 1 */
  readonly ahead?: number
}

/** The order of n samples in an epoch: a permutation made from the seed (Fisher-Yates). */
export function epochOrder(n: number, seed: number, epoch: number): Uint32Array {
  const random = new Random(seedOf(seed, 0x45504f43, epoch))
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const swap = order[i]
    order[i] = order[j]
    order[j] = swap
  }
  return order
}

/** Samples of a step. Batches run across the ends of epochs, so none is short and none is dropped. */
export class StepOrder {
  readonly #n: number
  readonly #seed: number
  readonly #batch: number
  readonly #epochs = new Map<number, Uint32Array>()

  constructor(n: number, seed: number, batch: number) {
    this.#n = n
    this.#seed = seed
    this.#batch = batch
  }

  indices(step: number): number[] {
    return Array.from({ length: this.#batch }, (_, i) => {
      const position = step * this.#batch + i
      const epoch = Math.floor(position / this.#n)
      let order = this.#epochs.get(epoch)
      if (!order) {
        if (this.#epochs.size > 2) this.#epochs.clear()
        order = epochOrder(this.#n, this.#seed, epoch)
        this.#epochs.set(epoch, order)
      }
      return order[position - epoch * this.#n]
    })
  }
}

/** Keeps `ahead` batches under way from `start` on and hands them out in order. */
function inOrder(load: (indices: readonly number[]) => Promise<Feeds>, ids: readonly string[], order: StepOrder, start: number, ahead: number): () => Promise<Batch> {
  const pending = new Map<number, Promise<Batch>>()
  let step = start
  const begin = (s: number): void => {
    if (pending.has(s)) return
    const indices = order.indices(s)
    const batch = load(indices).then(feeds => ({ step: s, ids: indices.map(i => ids[i]), feeds }))
    // A failure is told when its step is asked for, not before.
    batch.catch(() => undefined)
    pending.set(s, batch)
  }
  const fill = (): void => {
    for (let s = step; s < step + ahead; s++) begin(s)
  }
  if (ahead > 1) fill()
  return async () => {
    fill()
    const batch = await pending.get(step)!
    pending.delete(step++)
    if (ahead > 1) fill()
    return batch
  }
}

/** Opens the split and starts making batches. Throws DataError. */
export async function openBatches(options: BatchOptions): Promise<BatchSource> {
  const { dataset: { root, split, ...reader }, data, tasks, batch, seed, start = 0 } = options
  const ids = options.ids ?? (await openCityscapes3d(root, split, reader)).ids
  const setup: BatchSetup = { root, split, ids, options: reader, data, tasks }
  const order = new StepOrder(ids.length, seed, batch)
  const workers = options.workers ?? Math.min(4, Math.max(1, availableParallelism() - 1))
  if (workers === 0) {
    const loader = new BatchLoader(setup)
    return { next: inOrder(indices => loader.load(indices), ids, order, start, 1), close: async () => undefined }
  }
  const pool = new WorkerPool(workers, { kind: 'batches', ...setup } satisfies Setup)
  return { next: inOrder(indices => pool.run(indices) as Promise<Feeds>, ids, order, start, Math.max(2, options.ahead ?? workers + 1)), close: () => pool.close() }
}
