// Samples -> one batch: loaded, encoded for the tasks, stacked along a new first axis.
import type { TensorData } from '../../compiler/ir/types.ts'
import type { DataSpec, TaskSpec } from '../../compiler/tasks/spec.ts'
import { augment } from './augment/augment.ts'
import { encodeSample } from '../tasks/encode.ts'
import { loadCityscapes3d } from './cityscapes3d/reader.ts'
import type { ReaderOptions } from './cityscapes3d/reader.ts'
import type { Dataset } from './dataset.ts'

/** What the tasks read of a sample besides the image. */
export function needOf(tasks: readonly TaskSpec[]): ReaderOptions['need'] {
  const kinds = new Set(tasks.map(t => t.config.kind))
  return { labels: kinds.has('segmentation'), disparity: kinds.has('depth'), boxes: kinds.has('detection3d') }
}

export type Feeds = Record<string, TensorData>

/** Plain data: it travels to worker threads. */
export interface BatchSetup { readonly root: string; readonly split: string; readonly ids: readonly string[]; readonly options: ReaderOptions; readonly data: DataSpec; readonly tasks: readonly TaskSpec[]; /** of the draws of augmentation */ readonly seed?: number }

/** What a worker is asked for. */
export interface BatchJob { readonly indices: readonly number[]; /** samples of the run before this batch */ readonly place: number }

type Data = TensorData['data']
const empty = (like: Data, length: number): Data => (like instanceof Float32Array ? new Float32Array(length) : like instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length))

/** Loads samples one after the other, so that at most one undecoded sample is held beside the batch. */
export class BatchLoader {
  readonly #dataset: Dataset
  readonly #setup: BatchSetup

  constructor(setup: BatchSetup) {
    this.#setup = setup
    this.#dataset = loadCityscapes3d(setup.root, setup.split, setup.ids, setup.options)
  }

  /** The batch of these samples; `place`: how many samples of the run came before it. Throws DataError. */
  async load(indices: readonly number[], place = 0): Promise<Feeds> {
    const { data, tasks, seed = 0 } = this.#setup
    const batch: Record<string, TensorData> = {}
    for (const [row, index] of indices.entries()) {
      const feeds = encodeSample(augment(await this.#dataset.load(index), data.augment ?? [], seed, place + row), data, tasks)
      if (indices.length === 1) return Object.fromEntries(Object.entries(feeds).map(([name, { dtype, shape, data }]) => [name, { dtype, shape: [1, ...shape], data }]))
      for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
        batch[name] ??= { dtype, shape: [indices.length, ...shape], data: empty(data, indices.length * data.length) }
        if (batch[name].data.length !== indices.length * data.length) throw new Error(`internal: ${name} has ${data.length} elements in ${this.#setup.ids[index]} and ${batch[name].data.length / indices.length} in another sample of the batch`)
        batch[name].data.set(data, row * data.length)
      }
    }
    return batch
  }
}

/** The memory of a batch, to be moved between threads. */
export const buffersOf = (feeds: Feeds): ArrayBuffer[] => Object.values(feeds).map(t => t.data.buffer as ArrayBuffer)
