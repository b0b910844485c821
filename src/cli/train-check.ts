// Everything that can be wrong with a run, found before its first step and before anything is made.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TensorData } from '../compiler/ir/types.ts'
import type { ModelDescription } from '../compiler/semantics/model.ts'
import type { TrainSpec } from '../compiler/tasks/spec.ts'
import { withSteps } from '../compiler/training/length.ts'
import { readSplitFile } from '../runtime/data/cityscapes3d/split-file.ts'
import { DataError } from '../runtime/data/dataset.ts'
import { openImages, type Images } from '../runtime/data/prefetch.ts'
import type { Engine } from '../runtime/engines/engine.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { writeAtomically } from '../runtime/files.ts'
import { requireFree } from '../runtime/train/lock.ts'
import { bindWeights } from '../runtime/weights/bind.ts'
import { readWeights } from '../runtime/weights/read.ts'
import { checkBinding } from '../runtime/weights/report.ts'
import type { StoredTensors } from '../runtime/weights/tensors.ts'
import { givesBack, isLarge, runGivingBack } from './allocator.ts'
import type { Described } from './compiler-protocol.ts'
import type { CompilerProcess } from './compiler.ts'
import { synthesise } from './data.ts'
import { UsageError, UserError } from './errors.ts'
import { Mistakes } from './mistakes.ts'
import type { EngineOptions, ModelOptions } from './options.ts'
import { checkUsage, newRun, requireNew, requireUnfinished, resumeAt, type Start, type StartOptions } from './resume.ts'

export interface TrainOptions extends ModelOptions, EngineOptions, StartOptions { readonly data?: string; readonly splitFile?: string; readonly steps?: number; readonly memory?: number; /** values of options that could not be read */ readonly usage?: readonly UsageError[] }

/** Scenes made when no data is named: enough for the small models to learn from. */
const synthetic = { train: 400, val: 60, seed: 0 }

/** Throws DataError. */
function requireData(root: string): void {
  if (!existsSync(root)) throw new DataError(`${root}: no such folder: --data expects the root of a Cityscapes-3D data set (with leftImg8bit/, gtFine/, ...); \`mtlc data synth ${root}\` makes a synthetic one`)
}

/** Synthetic scenes of the model's image size, made once. */
async function syntheticData(model: ModelDescription): Promise<string> {
  const dir = join('data', `synthetic-${model.data.image.join('x')}`)
  // The marker is written last: a folder without it was left half made.
  if (!existsSync(join(dir, 'complete.json'))) {
    process.stderr.write(`no --data given: making synthetic scenes in ${dir}\n`)
    await synthesise(dir, { ...synthetic, size: model.data.image })
    writeAtomically(join(dir, 'complete.json'), `${JSON.stringify({ ...synthetic, size: model.data.image })}\n`)
  }
  return dir
}

export const say = (text: string): void => { process.stderr.write(`${text}\n`) }

/** Values of a weights file for the model; what does not fit is said on stderr. Throws WeightsError. */
async function startingWeights(path: string, stored: StoredTensors, model: ModelDescription, compiler: CompilerProcess): Promise<Record<string, TensorData>> {
  const { values, report } = bindWeights(model, stored)
  const reasons = report.misshapen.length === 0 ? [] : await compiler.ask('explain', { misshapen: report.misshapen })
  for (const note of checkBinding(path, model, report, false, () => reasons)) say(note)
  return values
}

/** Evaluations during training read the split `val`. Throws DataError. */
function requireValidation(images: Images, model: ModelDescription): void {
  const folder = join(images.source, 'leftImg8bit', 'val')
  if (model.train.evalEvery !== undefined && !existsSync(folder)) throw new DataError(`${folder}: does not exist\n  expected: the split that train.eval_every evaluates\n  fix: a data set with a split val, or --set train.eval_every=none`)
}

/** What the text says about training, in steps. Throws UserError. */
function lengthOf(model: ModelDescription, images: number): TrainSpec {
  const train = withSteps(model.train, images)
  if ('problem' in train) throw new UserError(train.problem)
  return train
}

/** All that a run needs, checked, before anything is made or changed. */
export interface Checked extends Pick<Described, 'digest' | 'sources'> {
  /** with its number of steps */
  readonly model: ModelDescription
  readonly start: Start
  readonly given: Record<string, TensorData>
  readonly images: Images
  /** as it was given, or made */
  readonly root: string
  readonly engine: Engine
  readonly memory: number | undefined
}

/** Finds every mistake in text, options, data and run folder, and tells them together. `opened` is told of the engine, which is to be closed. Undefined if another process has done it all. */
export async function checkAll(file: string, options: TrainOptions, compiler: CompilerProcess, opened: (engine: Engine) => void): Promise<Checked | undefined> {
  const mistakes = new Mistakes()
  for (const mistake of options.usage ?? []) await mistakes.try(() => { throw mistake })
  await mistakes.try(() => checkUsage(options))
  if (options.memory !== undefined && options.engine === 'tfjs') await mistakes.try(() => { throw new UsageError('--memory plans the buffers of onnxruntime: it does not go with --engine tfjs, which frees each tensor at its last use') })
  // In the second process of two, everything has been said about the text.
  const described = await mistakes.try(() => compiler.ask('describe', { file, model: options.model, set: options.set, quiet: givesBack() && options.memory === undefined }))
  const memory = options.engine === 'tfjs' ? undefined : options.memory ?? described?.model.train.memory
  if (memory === undefined && described?.model.train.memory !== undefined) say('note: train.memory plans the buffers of onnxruntime: tfjs takes what it needs')
  if (options.engine !== 'tfjs' && (memory !== undefined || (described !== undefined && isLarge(described.model.program.inputs.filter(i => i.role === 'parameter')))) && !givesBack()) {
    await compiler.close()
    await runGivingBack()
    return undefined
  }
  const { weights, splitFile, data, resume } = options
  const text = described?.model
  const folder = resume ?? options.out ?? (text === undefined ? undefined : join('runs', text.name))
  const start = folder === undefined ? undefined : await mistakes.try(() => {
    if (resume === undefined) requireNew(folder)
    else if (described === undefined) requireFree(folder)
    return described === undefined ? undefined : resume === undefined ? newRun(folder, described.model, options) : resumeAt(folder, described.model, described.digest, options)
  })
  const stored = weights === undefined || resume !== undefined ? undefined : await mistakes.try(() => readWeights(weights))
  const given = stored === undefined || text === undefined ? {} : await mistakes.try(() => startingWeights(weights!, stored, text, compiler))
  const list = splitFile === undefined ? undefined : await mistakes.try(() => readSplitFile(splitFile))
  const readable = data !== undefined && (await mistakes.try(() => { requireData(data); return true })) === true
  const read = async (root: string, model: ModelDescription): Promise<{ readonly images: Images; readonly model: ModelDescription }> => {
    const images = await openImages(root, 'train', model.data, model.tasks, list)
    requireValidation(images, model)
    const timed = { ...model, train: lengthOf(model, images.ids.length) }
    if (start !== undefined) requireUnfinished(start, timed, options)
    return { images, model: timed }
  }
  let found = readable && text !== undefined ? await mistakes.try(() => read(data, text)) : undefined
  const engine = await mistakes.try(() => openEngine(options))
  if (engine !== undefined) opened(engine)
  mistakes.check()
  if (described === undefined || start === undefined || given === undefined || engine === undefined) throw new Error('internal: a mistake was not told')
  const root = data ?? await syntheticData(described.model)
  found ??= await read(root, described.model)
  return { ...found, digest: described.digest, sources: described.sources, start, given, root, engine, memory }
}
