// Where a run begins: in a folder of its own, or at a checkpoint of an earlier part, whose text must be the same or be changed knowingly.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ProgramInput } from '../compiler/ir/program.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import type { ModelDescription } from '../compiler/semantics/model.ts'
import { diffModels } from '../compiler/semantics/resolved.ts'
import { explain } from '../runtime/files.ts'
import { checkpointSteps, type CheckpointInfo } from '../runtime/train/checkpoint.ts'
import { findCheckpoint, latestWeights, loadCheckpoint, type Rejected } from '../runtime/train/checkpoint-read.ts'
import { LockError, requireFree } from '../runtime/train/lock.ts'
import { readLog } from '../runtime/train/log.ts'
import { initialValue } from '../runtime/weights/initialise.ts'
import { UsageError, UserError } from './errors.ts'

/** The resolved text of a run, in its folder. */
export const textFile = 'model.mtl.txt'

export interface StartOptions { readonly out?: string; readonly resume?: string; readonly weights?: string; readonly seed?: number; readonly allowChanges?: boolean; readonly eval: boolean; readonly export: boolean }

export interface Start {
  readonly folder: string
  readonly seed: number
  readonly resumed: CheckpointInfo | undefined
  /** newer checkpoints that cannot be used */
  readonly rejected: readonly Rejected[]
  /** the program is not the one of the checkpoint */
  readonly changed: boolean
  readonly notes: readonly string[]
}

/** Fields of `train` that say how long a run is and how it is watched, not what a step computes. */
const watching = /^[-+] (steps|epochs|log_every|checkpoint_every|keep|eval_every|eval_images|best|early_stop|on_nonfinite|on_error|memory) = /

/** Lines of two resolved texts that differ, as `- ...` and `+ ...`. */
const changesBetween = (old: string, current: string): string[] => diffModels(old, current, 0).split('\n').flatMap(line => /^[-+] /.test(line) ? [`${line[0]} ${line.slice(2).trim()}`] : [])

const shown = (lines: readonly string[]): string => (lines.length > 16 ? [...lines.slice(0, 15), `... and ${lines.length - 15} lines more`] : lines).map(l => `  ${l}`).join('\n')

/** What is wrong with the options themselves. Throws UsageError. */
export function checkUsage({ out, resume, weights, allowChanges }: StartOptions): void {
  if (resume === undefined && allowChanges === true) throw new UsageError('--allow-changes goes with --resume')
  if (resume === undefined) return
  if (out !== undefined && resolve(out) !== resolve(resume)) throw new UsageError('--resume goes on in the folder of the run: leave out --out')
  if (weights !== undefined) throw new UsageError('--resume takes the weights of the run: leave out --weights')
}

/** The folder of a new run, which nothing has been written to. Throws UserError, LockError, and FileError where no folder can be made. */
export function requireNew(folder: string): void {
  requireFree(folder)
  if (checkpointSteps(folder).length > 0) throw new UserError(`${folder}: a run is there already: go on with it by --resume ${folder}, or choose another folder with --out`)
  let above = resolve(folder)
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above)
  try {
    if (!statSync(above).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    accessSync(above, constants.W_OK | constants.X_OK)
  } catch (error) { throw explain(folder, error) }
}

export const newRun = (folder: string, model: ModelDescription, { seed = model.train.seed }: StartOptions): Start => ({ folder, seed, resumed: undefined, rejected: [], changed: false, notes: [] })

/** The checkpoint that a run goes on from, if its text and seed are those of the run, or may differ. Throws UserError, LockError and WeightsError. */
export function resumeAt(folder: string, model: ModelDescription, digest: string, options: StartOptions): Start {
  requireFree(folder)
  const { info, rejected } = findCheckpoint(folder)
  const notes = rejected.map(r => `note: ${r.message}: the checkpoint of step ${r.step} is passed over`)
  if (rejected.length > 0) notes.push(`note: going on from the checkpoint of step ${info.step}`)
  const seed = options.seed ?? model.train.seed
  const changes = changesBetween(info.text, model.resolved)
  const deep = changes.filter(l => !watching.test(l))
  const allowed = options.allowChanges === true
  const either = `resume with the text and the --set options of the start (${join(folder, textFile)} holds them resolved), or go on with the changed text by --allow-changes`
  if (!allowed && deep.length > 0) throw new UserError(`${folder}: was started with another text:\n${shown(changes)}\n  fix: ${either}. To start anew from its weights use --weights ${latestWeights(folder)!}`)
  if (!allowed && info.program !== digest) throw new UserError(`${folder}: the program is another one, although the text is the same: was it started by another version of mtlc?\n  fix: resume with that version, or go on with the changed program by --allow-changes`)
  if (!allowed && info.seed !== seed) throw new UserError(`${folder}: was started with seed ${info.seed}, and seed ${seed} would change the order of the data: resume with --seed ${info.seed}, or go on with the other order by --allow-changes`)
  if (changes.length > 0) notes.push(`note: the text has changed since the start of the run:\n${shown(changes)}`)
  if (info.seed !== seed) notes.push(`note: seed ${seed} instead of ${info.seed}: the order of the data and the random draws are others from here on`)
  return { folder, seed, resumed: info, rejected, changed: info.program !== digest, notes }
}

/** Throws UserError if a run has all its steps and what comes after them. */
export function requireUnfinished({ folder, resumed }: Start, model: ModelDescription, options: StartOptions): void {
  if (resumed !== undefined && resumed.step >= model.train.steps && isComplete(folder, resumed.step, model, options)) throw new UserError(`${folder}: has done all its ${resumed.step} steps: --steps N with a larger N goes on`)
}

/** Between looking at a run and locking it another process may have gone on with it. Throws LockError. */
export function requireUnchanged({ folder, resumed, rejected }: Start): void {
  if (checkpointSteps(folder).at(-1) !== (rejected[0] ?? resumed)?.step) throw new LockError(`${folder}: another process has gone on with this run meanwhile\n  fix: resume again if it has ended`)
}

/** Whether a run with all its steps also has what comes after them. */
const isComplete = (folder: string, step: number, { train }: ModelDescription, options: StartOptions): boolean =>
  (train.evalEvery === undefined || readLog(folder).evaluations.some(e => e.step === step)) && (!options.eval || existsSync(join(folder, 'results.json'))) && (!options.export || existsSync(join(folder, 'model.onnx')))

const listed = (names: readonly string[]): string => `${names.slice(0, 4).join(', ')}${names.length > 4 ? `, ... (${names.length})` : ''}`

/** The state of a checkpoint; where the program has changed, tensors are matched by name, and what is new begins as in a new run. Throws WeightsError. */
export function stateOf({ folder, seed, resumed, changed }: Start, inputs: readonly ProgramInput[]): { readonly state: Record<string, TensorData>; readonly notes: readonly string[] } {
  if (resumed === undefined) throw new Error('internal: there is no checkpoint to load')
  const { state, fresh, dropped } = loadCheckpoint(folder, resumed, inputs, changed ? input => initialValue(input, seed) : undefined)
  const role = new Map(inputs.map(i => [i.name, i.role]))
  const [moments, others] = [fresh.filter(n => role.get(n) === 'moment'), fresh.filter(n => role.get(n) !== 'moment')]
  return {
    state,
    notes: [
      ...(others.length > 0 ? [`note: not in the checkpoint, with first values: ${listed(others)}`] : []),
      ...(moments.length > 0 ? [`note: moments that begin anew: ${listed(moments)}`] : []),
      ...(dropped.length > 0 ? [`note: in the checkpoint, and of no use to the changed program: ${listed(dropped)}`] : []),
    ],
  }
}
