// Checkpoints of a run, as they are written: parameters and statistics as safetensors, optimiser state beside them, and a json that is written last and says what they must be.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ProgramInput } from '../../compiler/ir/program.ts'
import type { HostTensors } from '../engines/engine.ts'
import type { LossWeightsState } from './loss-weights.ts'
import type { WindowState } from './window.ts'
import { writeAtomically } from '../files.ts'
import { writeSafetensors } from '../weights/safetensors.ts'
import { storeTensor, type StoredTensor } from '../weights/tensors.ts'

/** Of the format of checkpoints; those of later versions are left alone. */
export const checkpointVersion = 2

/** What a file must be to be the one that was written. */
export interface FileSeal { readonly bytes: number; readonly sha256: string }

export interface CheckpointInfo {
  readonly version: number
  readonly model: string
  /** steps done */
  readonly step: number
  readonly steps: number
  readonly seed: number
  /** digest of the training program */
  readonly program: string
  /** the resolved text of the model */
  readonly text: string
  /** losses since the last logged line, so that a resumed run logs what an unbroken one would have */
  readonly window?: WindowState
  readonly lossWeights?: LossWeightsState
  /** by name of the file */
  readonly files: Readonly<Record<string, FileSeal>>
}

export interface Retention {
  /** how many of the newest stay */
  readonly keep: number
  /** the step whose checkpoint stays besides */
  readonly best?: number | undefined
}

export const stemOf = (step: number): string => `step_${String(step).padStart(7, '0')}`
export const checkpointFolder = (run: string): string => join(run, 'checkpoints')
export const weightsPath = (run: string, step: number): string => join(checkpointFolder(run), `${stemOf(step)}.safetensors`)

/** The json goes first: without it the others are no checkpoint. */
const remove = (base: string): void => { for (const end of ['.json', '.safetensors', '.ema.safetensors', '.optimizer.safetensors']) rmSync(base + end, { force: true }) }

/** What the names of averages begin with among the moments. */
export const average = 'ema/'

/** Path of the averages beside the parameters of a checkpoint: under the parameters' names, with statistics and with what is not averaged, so that the file stands for a model, too. */
export const averagesOf = (weights: string): string => weights.replace(/\.safetensors$/, '.ema.safetensors')

function writeSealed(path: string, tensors: ReadonlyMap<string, StoredTensor>, metadata: Readonly<Record<string, string>>): FileSeal {
  const hash = createHash('sha256')
  let bytes = 0
  writeSafetensors(path, tensors, metadata, chunk => { hash.update(chunk); bytes += chunk.byteLength })
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes the files of a step, then removes those of steps that are kept no longer. Returns the path of the parameters. Throws FileError, and leaves the earlier checkpoints as they were. */
export function saveCheckpoint(run: string, info: Omit<CheckpointInfo, 'version' | 'files'>, inputs: readonly ProgramInput[], state: HostTensors, retention: Retention): string {
  const folder = checkpointFolder(run)
  const base = join(folder, stemOf(info.step))
  const path = `${base}.safetensors`
  const pick = (...roles: string[]): Map<string, StoredTensor> => new Map(inputs.filter(i => roles.includes(i.role)).map(i => [i.name, storeTensor(state[i.name])]))
  const weights = pick('parameter', 'state'), moments = pick('moment')
  const averages = new Map([...moments].filter(([name]) => name.startsWith(average)))
  for (const name of averages.keys()) moments.delete(name)
  const about = { format: 'pt', model: info.model, step: String(info.step) }
  const files: Record<string, FileSeal> = {}
  const write = (file: string, tensors: ReadonlyMap<string, StoredTensor>): void => { files[basename(file)] = writeSealed(file, tensors, about) }
  try {
    // A step that is written again is no checkpoint until it is whole.
    rmSync(`${base}.json`, { force: true })
    write(path, weights)
    if (averages.size > 0) write(averagesOf(path), new Map([...weights].map(([name, t]) => [name, averages.get(average + name) ?? t])))
    write(`${base}.optimizer.safetensors`, moments)
    writeAtomically(`${base}.json`, `${JSON.stringify({ version: checkpointVersion, ...info, files } satisfies CheckpointInfo, null, 2)}\n`)
  } catch (error) {
    remove(base)
    throw error
  }
  prune(run, retention)
  return path
}

/** Removes the checkpoints that are kept no longer. */
export function prune(run: string, { keep, best }: Retention): void {
  for (const step of checkpointSteps(run).slice(0, -keep)) if (step !== best) remove(join(checkpointFolder(run), stemOf(step)))
}

/** Steps that have the json of a checkpoint, ascending. */
export function checkpointSteps(run: string): number[] {
  const folder = checkpointFolder(run)
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap(f => /^step_(\d+)\.json$/.exec(f)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/** Removes what a killed run left half written: temporary files, and tensors without the json that goes with them. */
export function removeLeftovers(run: string): void {
  for (const folder of [run, checkpointFolder(run)]) if (existsSync(folder)) for (const f of readdirSync(folder)) if (/\.\d+\.tmp$/.test(f)) rmSync(join(folder, f), { force: true })
  const folder = checkpointFolder(run)
  if (!existsSync(folder)) return
  for (const f of readdirSync(folder)) {
    const stem = /^(step_\d+)(\.optimizer|\.ema)?\.safetensors$/.exec(f)?.[1]
    if (stem !== undefined && !existsSync(join(folder, `${stem}.json`))) rmSync(join(folder, f), { force: true })
  }
}
