// Synthetic data sets: street scenes of our own making, in the layout and with all the annotations of Cityscapes-3D.
import { availableParallelism } from 'node:os'
import { WorkerPool } from '../pool.ts'
import type { Setup } from '../worker.ts'
import { writeSample } from './write.ts'
import type { SynthJob, SynthSplit } from './write.ts'

export interface SynthOptions {
  /** how many scenes */
  readonly train: number
  readonly val: number
  /** rows, columns */
  readonly size: readonly [number, number]
  readonly seed: number
  /** threads; 0 works in this one. The bytes written do not depend on it. Default: the cores, at most 8 */
  readonly workers?: number
}

/** Writes the scenes; `onProgress` gets the number done. Equal seeds and sizes give equal bytes. Throws FileError (disk full, no permission). */
export async function writeSynthetic(dir: string, options: SynthOptions, onProgress?: (done: number) => void): Promise<void> {
  const { size, seed } = options
  const jobs = (['train', 'val'] as const).flatMap((split: SynthSplit) => Array.from({ length: options[split] }, (_, index): SynthJob => ({ dir, split, index, size, seed })))
  let done = 0
  const workers = Math.min(options.workers ?? Math.min(8, availableParallelism()), jobs.length)
  if (workers === 0) {
    for (const job of jobs) {
      writeSample(job)
      onProgress?.(++done)
    }
    return
  }
  const pool = new WorkerPool(workers, { kind: 'synth' } satisfies Setup)
  try {
    await Promise.all(jobs.map(job => pool.run(job).then(() => onProgress?.(++done))))
  } finally {
    await pool.close()
  }
}
