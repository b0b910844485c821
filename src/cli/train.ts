// mtlc train: from text and data to trained weights, an evaluation and an ONNX file.
import { Command } from 'commander'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { sizeOf, type TensorData } from '../compiler/ir/types.ts'
import type { ModelDescription } from '../compiler/semantics/model.ts'
import { frozenParameters } from '../compiler/tasks/groups.ts'
import type { TrainSpec } from '../compiler/tasks/spec.ts'
import { withSteps } from '../compiler/training/length.ts'
import { readSplitFile } from '../runtime/data/cityscapes3d/split-file.ts'
import { DataError } from '../runtime/data/dataset.ts'
import { openBatches, openImages } from '../runtime/data/prefetch.ts'
import type { Engine } from '../runtime/engines/engine.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { writeAtomically } from '../runtime/files.ts'
import { averagesOf, checkpointInfo, checkpointSteps, latestWeights, loadCheckpoint, removeLeftovers, type CheckpointInfo } from '../runtime/train/checkpoint.ts'
import { recordStart, thisStart } from '../runtime/runs/run-info.ts'
import { RunLog } from '../runtime/train/log.ts'
import { train, type TrainingResult } from '../runtime/train/loop.ts'
import { passesOf } from '../runtime/train/passes.ts'
import { duration, figure, Progress } from '../runtime/train/progress.ts'
import { packageVersion } from '../runtime/worker-path.ts'
import { bindWeights } from '../runtime/weights/bind.ts'
import { readWeights } from '../runtime/weights/read.ts'
import { checkBinding } from '../runtime/weights/report.ts'
import { givesBack, runGivingBack } from './allocator.ts'
import { CompilerProcess } from './compiler.ts'
import { synthesise } from './data.ts'
import { UsageError, UserError } from './errors.ts'
import type { FinishedRun } from './finish.ts'
import { fillState } from './first-values.ts'
import { memorySize } from './memory-size.ts'
import { whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { StopRequest } from './stop.ts'

interface TrainOptions extends ModelOptions, EngineOptions { readonly data?: string; readonly splitFile?: string; readonly out?: string; readonly steps?: number; readonly weights?: string; readonly resume?: string; readonly seed?: number; readonly memory?: number; readonly eval: boolean; readonly export: boolean }

/** Scenes made when no data is named: enough for the small models to learn from. */
const synthetic = { train: 400, val: 60, seed: 0 }

/** The folder of --data, or synthetic scenes of the model's image size, made once. */
async function dataFolder(model: ModelDescription, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (!existsSync(given)) throw new DataError(`${given}: no such folder: --data expects the root of a Cityscapes-3D data set (with leftImg8bit/, gtFine/, ...); \`mtlc data synth ${given}\` makes a synthetic one`)
    return given
  }
  const dir = join('data', `synthetic-${model.data.image.join('x')}`)
  // The marker is written last: a folder without it was left half made.
  if (!existsSync(join(dir, 'complete.json'))) {
    process.stderr.write(`no --data given: making synthetic scenes in ${dir}\n`)
    await synthesise(dir, { ...synthetic, size: model.data.image })
    writeAtomically(join(dir, 'complete.json'), `${JSON.stringify({ ...synthetic, size: model.data.image })}\n`)
  }
  return dir
}

const listed = (names: readonly string[]): string => `${names.slice(0, 4).join(', ')}${names.length > 4 ? `, ... (${names.length})` : ''}`

/** The resolved text of a run, in its folder. */
const textFile = 'model.mtl.txt'

/** Lines of the resolved text that differ from those of the start of a run: removed, then added. */
function changesSince(folder: string, model: ModelDescription): string[] {
  const path = join(folder, textFile)
  if (!existsSync(path)) return []
  const [before, after] = [readFileSync(path, 'utf8').split('\n'), model.resolved.split('\n')]
  const changes = [...before.filter(l => !after.includes(l)).map(l => `  - ${l.trim()}`), ...after.filter(l => !before.includes(l)).map(l => `  + ${l.trim()}`)]
  return changes.length > 16 ? [...changes.slice(0, 15), `  ... and ${changes.length - 15} lines more`] : changes
}

interface Start { readonly folder: string; readonly digest: string; readonly seed: number; readonly resumed: CheckpointInfo | undefined }

function checkUnfinished(folder: string, { step }: CheckpointInfo, steps: number): void {
  if (step >= steps) throw new UserError(`${folder}: has done all its ${step} steps: --steps N with a larger N goes on`)
}

/** What the text says about training, in steps. Throws UserError. */
function lengthOf(model: ModelDescription, images: number): TrainSpec {
  const train = withSteps(model.train, images)
  if ('problem' in train) throw new UserError(train.problem)
  return train
}

/** Where the run is written and where it begins; refuses to mix two runs in one folder. Throws UserError, UsageError and WeightsError. */
function startOf(model: ModelDescription, digest: string, options: TrainOptions): Start {
  const seed = options.seed ?? model.train.seed
  if (options.resume === undefined) {
    const folder = options.out ?? join('runs', model.name)
    if (checkpointSteps(folder).length > 0) throw new UserError(`${folder}: a run is there already: go on with it by --resume ${folder}, or choose another folder with --out`)
    return { folder, digest, seed, resumed: undefined }
  }
  const folder = options.resume
  if (options.out !== undefined && resolve(options.out) !== resolve(folder)) throw new UsageError('--resume goes on in the folder of the run: leave out --out')
  if (options.weights !== undefined) throw new UsageError('--resume takes the weights of the run: leave out --weights')
  const resumed = checkpointInfo(folder)
  if (resumed.program !== digest) throw new UserError(`${folder}: was started with another text:\n${changesSince(folder, model).join('\n')}\n  fix: resume with the text and the --set options of the start; ${join(folder, textFile)} holds them resolved. To start anew from its weights use --weights ${latestWeights(folder)!}`)
  if (resumed.seed !== seed) throw new UserError(`${folder}: was started with seed ${resumed.seed}, and seed ${seed} would change the order of the data: resume with --seed ${resumed.seed}`)
  if (model.train.epochs === undefined) checkUnfinished(folder, resumed, model.train.steps)
  return { folder, digest, seed, resumed }
}

/** Values of a weights file for the model; what does not fit is said on stderr. Throws WeightsError. */
async function startingWeights(path: string, model: ModelDescription, compiler: CompilerProcess): Promise<Record<string, TensorData>> {
  const { values, report } = bindWeights(model, readWeights(path))
  const reasons = report.misshapen.length === 0 ? [] : await compiler.ask('explain', { misshapen: report.misshapen })
  for (const note of checkBinding(path, model, report, false, () => reasons)) process.stderr.write(`${note}\n`)
  return values
}

async function runTraining(file: string, options: TrainOptions): Promise<void> {
  if (options.memory !== undefined && options.engine === 'tfjs') throw new UsageError('--memory plans the buffers of onnxruntime: it does not go with --engine tfjs, which frees each tensor at its last use')
  if (options.memory !== undefined && !givesBack()) return runGivingBack()
  const set = options.steps === undefined ? options.set : [...options.set, `train.steps=${options.steps}`, 'train.epochs=none']
  const finished = await trainSteps(file, { ...options, set })
  if (finished === undefined) return
  const compiler = new CompilerProcess()
  try { await compiler.ask('finish', finished) } finally { await compiler.close() }
}

/** Up to the last step, or to where it is stopped; what is left to do then, if anything. */
async function trainSteps(file: string, options: TrainOptions): Promise<FinishedRun | undefined> {
  const began = performance.now()
  const compiler = new CompilerProcess()
  const progress = new Progress(process.stderr)
  let engine: Engine | undefined
  let stop: StopRequest | undefined
  try {
    // In the second process of two, everything has been said about the text.
    const { model: described, digest, sources } = await compiler.ask('describe', { file, model: options.model, set: options.set, quiet: givesBack() && options.memory === undefined })
    const memory = options.engine === 'tfjs' ? undefined : options.memory ?? described.train.memory
    if (memory === undefined && described.train.memory !== undefined) process.stderr.write('note: train.memory plans the buffers of onnxruntime: tfjs takes what it needs\n')
    if (memory !== undefined && !givesBack()) {
      await compiler.close()
      await runGivingBack()
      return undefined
    }
    const { folder, seed, resumed } = startOf(described, digest, options)
    const given = options.weights === undefined ? {} : await startingWeights(options.weights, described, compiler)
    const parameters = described.program.inputs.filter(i => i.role === 'parameter')
    process.stderr.write(`${described.name}: ${described.tasks.map(t => t.name).join(', ')}; image ${described.data.image.join(' x ')}; ${parameters.reduce((n, p) => n + sizeOf(p.type.shape), 0).toLocaleString('en-US')} parameters\n`)

    const root = await dataFolder(described, options.data)
    const images = await openImages(root, 'train', described.data, described.tasks, options.splitFile === undefined ? undefined : readSplitFile(options.splitFile))
    const { ids, dropped, packed } = images
    const model = { ...described, train: lengthOf(described, ids.length) }
    if (resumed !== undefined) checkUnfinished(folder, resumed, model.train.steps)
    const chosen = `${packed ? 'packed ' : ''}images${dropped === 0 ? '' : ` (${dropped} more have no box of an evaluated class and are left out)`}`
    if (resumed !== undefined) {
      removeLeftovers(folder)
      const changes = changesSince(folder, model)
      if (changes.length > 0) process.stderr.write(`note: the text has changed since the start of the run:\n${changes.join('\n')}\n`)
    }
    const compiling = performance.now()
    engine = await openEngine(options)
    const { prepared, step, operators } = await compiler.ask('step', { target: engine.target, memory })
    await compiler.close()
    writeAtomically(join(folder, textFile), model.resolved)
    recordStart(folder, { model: model.name, seed, steps: model.train.steps, batch: model.train.batch, data: root, images: ids.length, program: digest },
      thisStart({ step: resumed?.step ?? 0, engine: engine.name, device: engine.device, mtlc: packageVersion(), command: ['mtlc', ...process.argv.slice(2)] }))
    const updated = new Set(step.outputs.filter(o => o.role === 'parameter').map(o => o.name))
    const frozen = frozenParameters(model.train, parameters)
    if (frozen.size > 0) process.stderr.write(`frozen: ${frozen.size} of ${parameters.length} parameters, as train.groups says\n`)
    const unreached = parameters.filter(p => !updated.has(p.name) && !frozen.has(p.name)).map(p => p.name)
    if (unreached.length > 0) process.stderr.write(`warning: the loss does not depend on ${unreached.length} parameters, which stay as they are: ${listed(unreached)}\n`)
    const state = resumed === undefined ? fillState(step, given, seed) : loadCheckpoint(folder, step.inputs).state
    const stopping = stop = new StopRequest(progress)
    const session = await engine.openPrepared(prepared, state, { give: true })
    process.stderr.write(`training step: ${operators.toLocaleString('en-US')} operators, ready in ${((performance.now() - compiling) / 1000).toFixed(1)} s; ${engine.name} on ${engine.device}\n`)
    const start = resumed?.step ?? 0
    const batches = openBatches({ images, batch: model.train.batch, seed, start: start * passesOf(model.train) })
    process.stderr.write(`${root}: ${ids.length} ${chosen}, batch ${model.train.batch}${model.train.accumulate === undefined ? '' : ` x ${model.train.accumulate} passes`}; ${resumed === undefined ? '' : `resumed, `}steps ${start + 1} to ${model.train.steps}; log and checkpoints in ${folder}\n`)
    let result: TrainingResult
    try {
      result = await train({ folder, model, step, digest, seed, start, steps: model.train.steps, window: resumed?.window, session, batches, log: new RunLog(folder, start), progress, stopping: () => stopping.asked })
    } finally {
      await batches.close()
      await session.dispose()
    }
    const losses = ['loss', ...model.tasks.map(t => t.name)].filter(n => n in result.first && n in result.last)
    if (losses.length > 0) process.stderr.write(`${losses.map(n => `${n} ${figure(result.first[n])} -> ${figure(result.last[n])}`).join(', ')} (first and last means of the log)\n`)
    process.stderr.write(`${result.weights}: written, after ${duration((performance.now() - began) / 1000)}\n`)
    if (!result.stopped) return { file, model: options.model, set: options.set, sources, engine: { engine: options.engine, device: options.device }, folder, root: images.source, weights: model.train.ema?.evaluate === true ? averagesOf(result.weights) : result.weights, eval: options.eval, export: options.export }
    process.stderr.write(`stopped at step ${result.step} of ${model.train.steps}; --resume ${folder} goes on from there\n`)
    process.exitCode = stopping.exitCode
    return undefined
  } finally {
    stop?.close()
    await engine?.close()
    await compiler.close()
  }
}

export const trainCommand = (): Command => withEngine(withModel(new Command('train')
  .description('train a model; without --data on synthetic scenes, made once')
  .addHelpText('after', '\nInterrupted (Ctrl-C, SIGTERM) it ends the step, saves, and exits with 130 (143); --resume RUN goes on as if nothing had happened.')
  .argument('<file>')
  .option('--data <dir>', 'root of the data set, or of a pack of it (mtlc data pack)')
  .option('--split-file <file>', 'train on the images that it lists, one per line')
  .option('--out <run>', 'folder for log, checkpoints and results (default runs/MODEL)')
  .option('--steps <n>', 'as --set train.steps=N', whole(1))
  .option('--weights <file>', 'first values: .safetensors, .pth or .pt')
  .option('--resume <run>', 'go on with a stopped run')
  .option('--seed <n>', 'seed of first values, data order and random draws (default train.seed)', whole(0))
  .option('--memory <size>', 'fit a step into this much memory, such as 14GiB, by computing parts of it twice (default train.memory)', memorySize)
  .option('--no-eval', 'no evaluation on the split `val` at the end')
  .option('--no-export', 'no ONNX file at the end')))
  .action(runTraining)
