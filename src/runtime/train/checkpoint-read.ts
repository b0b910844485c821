// The newest checkpoint of a run that is whole: damaged ones and those of a later version are recognised and passed over.
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { ProgramInput } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import { readSafetensors } from '../weights/safetensors.ts'
import { toFloat32, toInt32, WeightsError } from '../weights/tensors.ts'
import { average, averagesOf, checkpointFolder, checkpointSteps, checkpointVersion, stemOf, weightsPath, type CheckpointInfo, type FileSeal } from './checkpoint.ts'

/** Why a checkpoint cannot be used; `damaged`: its files are not what was written. */
interface Fault { readonly damaged: boolean; readonly message: string }

/** A checkpoint that is passed over, and why. */
export interface Rejected extends Fault { readonly step: number }

function sealOf(path: string): FileSeal {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(4 << 20)
  const fd = openSync(path, 'r')
  let bytes = 0
  try {
    for (let n; (n = readSync(fd, buffer, 0, buffer.length, null)) > 0; bytes += n) hash.update(buffer.subarray(0, n))
  } finally { closeSync(fd) }
  return { bytes, sha256: hash.digest('hex') }
}

function isInfo(value: unknown): value is CheckpointInfo {
  const { model, step, steps, seed, program, text, files } = (value ?? {}) as Partial<Record<keyof CheckpointInfo, unknown>>
  return [model, program, text].every(t => typeof t === 'string') && [step, steps, seed].every(n => Number.isSafeInteger(n)) && typeof files === 'object' && files !== null && Object.keys(files).length > 0
}

function inspect(run: string, step: number): CheckpointInfo | Fault {
  const folder = checkpointFolder(run)
  const path = join(folder, `${stemOf(step)}.json`)
  const damaged = (message: string): Fault => ({ damaged: true, message })
  let info: unknown
  try { info = JSON.parse(readFileSync(path, 'utf8')) } catch (e) { return damaged(`${path}: no readable JSON: ${(e as Error).message}`) }
  const version = (info as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > checkpointVersion) return { damaged: false, message: `${path}: was written by a later mtlc (version ${version} of checkpoints; this one reads version ${checkpointVersion})` }
  if (version === 1) return { damaged: false, message: `${path}: was written by an earlier mtlc, which kept no checksums; --weights ${weightsPath(run, step)} starts a run from its parameters` }
  if (version !== checkpointVersion || !isInfo(info)) return damaged(`${path}: does not describe a checkpoint`)
  if (info.step !== step) return damaged(`${path}: says that it is of step ${info.step}`)
  for (const [name, seal] of Object.entries(info.files)) {
    const file = join(folder, name)
    if (!existsSync(file)) return damaged(`${file}: is missing`)
    const found = sealOf(file)
    if (found.bytes !== seal.bytes) return damaged(`${file}: has ${found.bytes} bytes instead of ${seal.bytes}`)
    if (found.sha256 !== seal.sha256) return damaged(`${file}: is not what was written (its SHA-256 is ${found.sha256.slice(0, 16)}..., not ${seal.sha256.slice(0, 16)}...)`)
  }
  return info
}

export interface FoundCheckpoint { readonly info: CheckpointInfo; /** newer ones, newest first */ readonly rejected: readonly Rejected[] }

/** The newest whole checkpoint of a run, every file of which is read and compared with its checksum. Throws WeightsError where there is none. */
export function findCheckpoint(run: string): FoundCheckpoint {
  if (!existsSync(run)) throw new WeightsError(`${run}: no such folder: --resume expects the folder of a run`)
  const steps = checkpointSteps(run)
  if (steps.length === 0) throw new WeightsError(`${run}: no checkpoint to resume from: ${checkpointFolder(run)} has no step_*.json. A run that was stopped before its first step begins anew with --out ${run}`)
  const rejected: Rejected[] = []
  for (const step of steps.toReversed()) {
    const found = inspect(run, step)
    if ('files' in found) return { info: found, rejected }
    rejected.push({ step, ...found })
  }
  throw new WeightsError(`${run}: none of its checkpoints can be used:\n${rejected.map(r => `  ${r.message}`).join('\n')}`)
}

/** Takes damaged checkpoints out of the way, without deleting anything: their json gets the ending `.damaged`. */
export function setAside(run: string, rejected: readonly Rejected[]): void {
  for (const { step, damaged } of rejected) if (damaged) renameSync(join(checkpointFolder(run), `${stemOf(step)}.json`), join(checkpointFolder(run), `${stemOf(step)}.json.damaged`))
}

export interface LoadedState {
  readonly state: Record<string, TensorData>
  /** inputs that the checkpoint has no value for, by name; other shapes count as no value */
  readonly fresh: readonly string[]
  /** tensors of the checkpoint that the program has no place for */
  readonly dropped: readonly string[]
}

/** A value for every input of role parameter, state and moment: that of the checkpoint, else that of `fresh`; without `fresh` a value that is missing throws WeightsError. */
export function loadCheckpoint(run: string, { step }: Pick<CheckpointInfo, 'step'>, inputs: readonly ProgramInput[], fresh?: (input: ProgramInput) => TensorData): LoadedState {
  const base = join(checkpointFolder(run), stemOf(step))
  const tensors = new Map([...readSafetensors(`${base}.safetensors`).tensors, ...readSafetensors(`${base}.optimizer.safetensors`).tensors])
  const averages = averagesOf(`${base}.safetensors`)
  if (existsSync(averages)) for (const [name, t] of readSafetensors(averages).tensors) tensors.set(average + name, t)
  const state: Record<string, TensorData> = {}
  const missing: string[] = []
  for (const input of inputs) {
    const { name, role, type } = input
    if (role !== 'parameter' && role !== 'state' && role !== 'moment') continue
    const t = tensors.get(name)
    if (t !== undefined && t.shape.join() === type.shape.join()) {
      state[name] = { dtype: type.dtype, shape: type.shape, data: type.dtype === 'int32' ? toInt32(t) : toFloat32(t) }
      tensors.delete(name)
    } else if (fresh === undefined) {
      throw new WeightsError(`${base}: tensor ${name} is ${t === undefined ? 'missing' : `[${t.shape.join(', ')}]`}, the model needs [${type.shape.join(', ')}]: the text has changed since the run was started`)
    } else {
      state[name] = fresh(input)
      missing.push(name)
    }
  }
  return { state, fresh: missing, dropped: [...tensors.keys()].filter(name => !name.startsWith(average)) }
}

/** Path of the newest parameters of a run folder. */
export function latestWeights(run: string): string | undefined {
  const step = checkpointSteps(run).at(-1)
  return step === undefined ? undefined : weightsPath(run, step)
}
