// Batches for training, made ahead by worker threads; which samples they hold is a function of the step alone.
import { availableParallelism } from 'node:os'
import type { DataSpec, TaskSpec } from '../../compiler/tasks/spec.ts'
import { BatchLoader, needOf } from './batch.ts'
import type { BatchJob, BatchSetup, Feeds } from './batch.ts'
import type { SplitList } from './cityscapes3d/split-file.ts'
import { openCityscapes3d } from './cityscapes3d/reader.ts'
import { DataError } from './dataset.ts'
import { isPack } from './pack/manifest.ts'
import { openPack, PackLoader } from './pack/read.ts'
import type { PackSetup } from './pack/read.ts'
import { WorkerPool } from './pool.ts'
import { loadAsGiven, loadReplacing, type LoadedBatch, type Loader } from './replace.ts'
import { Random, seedOf } from './synth/random.ts'

/** One step's input: `image` and `target/<task>/<name>`, with the batch axis first. */
export interface Batch { readonly step: number; readonly ids: readonly string[]; readonly feeds: Feeds }

export interface BatchSource {
  /** The batch of the next step. Throws DataError; a step that failed fails again. */
  next(): Promise<Batch>
  /** Ends the worker threads. */
  close(): Promise<void>
}

export interface BatchOptions {
  readonly images: Images
  readonly batch: number
  readonly seed: number
  /** first step, counted from 0: a resumed run gets the batches that it would have got */
  readonly start?: number
  /** threads; 0 makes each batch in this thread when it is asked for. Default: one less than the cores, 1 to 4 */
  readonly workers?: number
  /** batches that may be under way or ready at a time; default: workers + 1 */
  readonly ahead?: number
  /** An image that cannot be read is replaced by the next one, and told here when its batch is handed out; without it, it is an error. */
  readonly onUnreadable?: ((image: { readonly pass: number; readonly id: string; readonly reason: string }) => void) | undefined
  /** What there is to be told of the threads. */
  readonly note?: (text: string) => void
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
function inOrder(load: (job: BatchJob) => Promise<LoadedBatch>, ids: readonly string[], order: StepOrder, { start, ahead, onUnreadable }: { readonly start: number; readonly ahead: number; readonly onUnreadable: BatchOptions['onUnreadable'] }): () => Promise<Batch> {
  const pending = new Map<number, Promise<{ readonly batch: Batch; readonly unreadable: LoadedBatch['unreadable'] }>>()
  let step = start
  const begin = (s: number): void => {
    if (pending.has(s)) return
    const indices = order.indices(s)
    const batch = load({ indices, place: s * indices.length }).then(({ feeds, indices: chosen, unreadable }) => ({ batch: { step: s, ids: chosen.map(i => ids[i]), feeds }, unreadable }))
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
    const { batch, unreadable } = await pending.get(step)!
    for (const { index, reason } of unreadable) onUnreadable?.({ pass: step, id: ids[index], reason })
    pending.delete(step++)
    if (ahead > 1) fill()
    return batch
  }
}

/** The images of a split, as a data set or as a pack of it has them, for the tasks of a model. */
export interface Images {
  readonly ids: readonly string[]
  /** how many images were left out for want of a box */
  readonly dropped: number
  /** root of the data set itself, where it is a pack that is read */
  readonly source: string
  readonly packed: boolean
  readonly setup: ({ readonly kind: 'batches' } & BatchSetup) | ({ readonly kind: 'packed' } & PackSetup)
}

/** Opens a split of the data set, or of the pack, at `root`. `only`: the images to use. Throws DataError. */
export async function openImages(root: string, split: string, data: DataSpec, tasks: readonly TaskSpec[], only?: SplitList): Promise<Images> {
  if (isPack(root)) {
    if ((data.augment ?? []).length > 0) throw new DataError(`${root}: is a pack, which holds samples as they are, and the model asks for augmentation\n  fix: train on the data set that the pack was made of, or without augmentation (--set data.augment=none)`)
    const { dropped, source, ...setup } = await openPack(root, split, data, tasks, only)
    return { ids: setup.entries.map(e => e.id), dropped, source, packed: true, setup: { kind: 'packed', ...setup } }
  }
  const options = { image: data.image, need: needOf(tasks), boxes: data.boxes, ...(data.labels === 'partial' ? { partial: split === 'train' } : {}) }
  const { ids, dropped } = await openCityscapes3d(root, split, options, only)
  return { ids, dropped, source: root, packed: false, setup: { kind: 'batches', root, split, ids, options, data, tasks } }
}

const loaderOf = (setup: Images['setup']): Loader & { close?(): Promise<void> } => (setup.kind === 'packed' ? new PackLoader(setup) : new BatchLoader(setup))

/** Starts making batches. */
export function openBatches({ images: { ids, setup: images }, batch, seed, start = 0, onUnreadable, note, ...options }: BatchOptions): BatchSource {
  const setup = { ...images, seed, ...(onUnreadable !== undefined && { replace: ids.length }) }
  const order = new StepOrder(ids.length, seed, batch)
  const workers = options.workers ?? Math.min(4, Math.max(1, availableParallelism() - 1))
  if (workers === 0) {
    const loader = loaderOf(setup)
    return { next: inOrder(job => (onUnreadable === undefined ? loadAsGiven(loader, job) : loadReplacing(loader, job, ids.length)), ids, order, { start, ahead: 1, onUnreadable }), close: async () => loader.close?.() }
  }
  const pool = new WorkerPool(workers, setup, note)
  return { next: inOrder(job => pool.run(job) as Promise<LoadedBatch>, ids, order, { start, ahead: Math.max(2, options.ahead ?? workers + 1), onUnreadable }), close: () => pool.close() }
}
