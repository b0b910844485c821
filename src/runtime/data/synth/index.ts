// Synthetic data sets: street scenes of our own making, in the layout and with all the annotations of Cityscapes-3D.
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { writeAtomically } from '../../files.ts'
import { WorkerPool } from '../pool.ts'
import type { Setup } from '../worker.ts'
import { generatorDigest, generatorVersion, manifestName } from './named.ts'
import type { SplitName, SynthManifest } from './named.ts'
import { writeSample } from './write.ts'
import type { SynthJob, SynthSplit } from './write.ts'

export interface SynthOptions {
  /** how many scenes */
  readonly train: number
  readonly val: number
  /** rows, columns */
  readonly size: readonly [number, number]
  readonly seed: number
  /** the named set that the counts and the seed are those of */
  readonly name?: SplitName
  /** threads; 0 works in this one. The bytes written do not depend on it. Default: the cores, at most 8 */
  readonly workers?: number
}

/** Writes the scenes; `onProgress` gets the number done. Equal seeds and sizes give equal bytes. The manifest comes last: a folder without it is half made. Throws FileError (disk full, no permission). */
export async function writeSynthetic(dir: string, options: SynthOptions, onProgress?: (done: number) => void): Promise<SynthManifest> {
  const { size, seed, train, val, name = null } = options
  const path = join(dir, manifestName)
  if (existsSync(path)) rmSync(path)
  await writeScenes(dir, options, onProgress)
  const manifest: SynthManifest = { format: 'mtlc synthetic scenes', version: 1, name, generator: generatorVersion, seed, train, val, size: [...size], digest: generatorDigest(seed) }
  writeAtomically(path, `${JSON.stringify(manifest, null, 1)}\n`)
  return manifest
}

async function writeScenes(dir: string, options: SynthOptions, onProgress?: (done: number) => void): Promise<void> {
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
