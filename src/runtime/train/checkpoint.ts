// Checkpoints of a run: parameters and statistics as safetensors, optimiser state beside them, and a json that is written last and so says that both are whole.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ProgramInput } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { HostTensors } from '../engines/engine.ts'
import type { LossWeightsState } from './loss-weights.ts'
import type { WindowState } from './window.ts'
import { writeAtomically } from '../files.ts'
import { readSafetensors, writeSafetensors } from '../weights/safetensors.ts'
import { storeTensor, toFloat32, toInt32, WeightsError, type StoredTensor } from '../weights/tensors.ts'

export interface CheckpointInfo {
  readonly version: 1
  readonly model: string
  /** steps done */
  readonly step: number
  readonly steps: number
  readonly seed: number
  /** digest of the training program: resuming with another text is refused */
  readonly program: string
  /** losses since the last logged line, so that a resumed run logs what an unbroken one would have */
  readonly window?: WindowState
  readonly lossWeights?: LossWeightsState
}

const stem = (step: number): string => `step_${String(step).padStart(7, '0')}`
const folderOf = (run: string): string => join(run, 'checkpoints')

/** The json goes first: without it the other two are no checkpoint. */
const remove = (base: string): void => { for (const end of ['.json', '.safetensors', '.ema.safetensors', '.optimizer.safetensors']) rmSync(base + end, { force: true }) }

/** What the names of averages begin with among the moments. */
const average = 'ema/'

/** Path of the averages beside the parameters of a checkpoint: under the parameters' names, with statistics and with what is not averaged, so that the file stands for a model, too. */
export const averagesOf = (weights: string): string => weights.replace(/\.safetensors$/, '.ema.safetensors')

/** Writes the files of a step and removes all but the newest `keep` steps. Returns the path of the parameters. Throws FileError. */
export function saveCheckpoint(run: string, info: CheckpointInfo, inputs: readonly ProgramInput[], state: HostTensors, keep = 2): string {
  const folder = folderOf(run)
  const base = join(folder, stem(info.step))
  const pick = (...roles: string[]): Map<string, StoredTensor> => new Map(inputs.filter(i => roles.includes(i.role)).map(i => [i.name, storeTensor(state[i.name])]))
  const weights = pick('parameter', 'state'), moments = pick('moment')
  const averages = new Map([...moments].filter(([name]) => name.startsWith(average)))
  for (const name of averages.keys()) moments.delete(name)
  try {
    writeSafetensors(`${base}.safetensors`, weights, { format: 'pt', model: info.model, step: String(info.step) })
    if (averages.size > 0) writeSafetensors(averagesOf(`${base}.safetensors`), new Map([...weights].map(([name, t]) => [name, averages.get(average + name) ?? t])), { format: 'pt', model: info.model, step: String(info.step) })
    writeSafetensors(`${base}.optimizer.safetensors`, moments, { step: String(info.step) })
    writeAtomically(`${base}.json`, `${JSON.stringify(info, null, 2)}\n`)
  } catch (error) {
    remove(base)
    throw error
  }
  for (const step of checkpointSteps(run).slice(0, -keep)) remove(join(folder, stem(step)))
  return `${base}.safetensors`
}

/** Steps with a whole checkpoint, ascending. */
export function checkpointSteps(run: string): number[] {
  if (!existsSync(folderOf(run))) return []
  return readdirSync(folderOf(run)).flatMap(f => /^step_(\d+)\.json$/.exec(f)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/** What the newest checkpoint of a run says about itself. Throws WeightsError. */
export function checkpointInfo(run: string): CheckpointInfo {
  if (!existsSync(run)) throw new WeightsError(`${run}: no such folder: --resume expects the folder of a run`)
  const step = checkpointSteps(run).at(-1)
  if (step === undefined) throw new WeightsError(`${run}: no checkpoint to resume from: ${folderOf(run)} has no step_*.json. Was the run stopped before its first checkpoint?`)
  const path = `${join(folderOf(run), stem(step))}.json`
  try { return JSON.parse(readFileSync(path, 'utf8')) as CheckpointInfo } catch (e) { throw new WeightsError(`${path}: no readable checkpoint: ${(e as Error).message}`) }
}

/** The newest checkpoint of a run: its info, and values for every input of role parameter, state and moment. Throws WeightsError. */
export function loadCheckpoint(run: string, inputs: readonly ProgramInput[]): { readonly info: CheckpointInfo; readonly state: Record<string, TensorData> } {
  const info = checkpointInfo(run)
  const base = join(folderOf(run), stem(info.step))
  const averages = averagesOf(`${base}.safetensors`)
  const tensors = new Map([...readSafetensors(`${base}.safetensors`).tensors, ...readSafetensors(`${base}.optimizer.safetensors`).tensors])
  if (existsSync(averages)) for (const [name, t] of readSafetensors(averages).tensors) tensors.set(average + name, t)
  const state: Record<string, TensorData> = {}
  for (const { name, role, type } of inputs) {
    if (role !== 'parameter' && role !== 'state' && role !== 'moment') continue
    const t = tensors.get(name)
    if (t === undefined || t.shape.join() !== type.shape.join()) throw new WeightsError(`${base}: tensor ${name} is ${t === undefined ? 'missing' : `[${t.shape.join(', ')}]`}, the model needs [${type.shape.join(', ')}]: the text has changed since the run was started`)
    state[name] = { dtype: type.dtype, shape: type.shape, data: type.dtype === 'int32' ? toInt32(t) : toFloat32(t) }
  }
  return { info, state }
}

/** Removes what a killed run left half written. */
export function removeLeftovers(run: string): void {
  for (const folder of [run, folderOf(run)]) if (existsSync(folder)) for (const f of readdirSync(folder)) if (/\.\d+\.tmp$/.test(f)) rmSync(join(folder, f), { force: true })
}

/** Path of the newest parameters of a run folder. */
export function latestWeights(run: string): string | undefined {
  const step = checkpointSteps(run).at(-1)
  return step === undefined ? undefined : join(folderOf(run), `${stem(step)}.safetensors`)
}
