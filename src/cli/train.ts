// mtlc train: from text and data to trained weights, an evaluation and an ONNX file.
import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { resolvedText } from '../compiler/index.ts'
import { printProgram } from '../compiler/ir/print.ts'
import { optimise } from '../compiler/passes/index.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import { buildTrainingStep, unreachedParameters } from '../compiler/training/step.ts'
import { openCityscapes3d } from '../runtime/data/cityscapes3d/reader.ts'
import { DataError } from '../runtime/data/dataset.ts'
import { openBatches } from '../runtime/data/prefetch.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { writeAtomically } from '../runtime/files.ts'
import { checkpointSteps, loadCheckpoint } from '../runtime/train/checkpoint.ts'
import { RunLog } from '../runtime/train/log.ts'
import { train, type TrainingResult } from '../runtime/train/loop.ts'
import { figure, Progress } from '../runtime/train/progress.ts'
import { readSafetensors } from '../runtime/weights/safetensors.ts'
import { synthesise } from './data.ts'
import { describeResults, evaluateSplit } from './eval.ts'
import { describeDifferences, exportOnnx } from './export.ts'
import { fillState, loadWeights } from './fit.ts'
import { bindWeights } from '../runtime/weights/bind.ts'
import { whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile, digestOf, UserError } from './project.ts'

interface TrainOptions extends ModelOptions, EngineOptions { readonly data?: string; readonly out?: string; readonly steps?: number; readonly weights?: string; readonly resume?: string; readonly seed?: number; readonly eval: boolean; readonly export: boolean }

/** Scenes made when no data is named: enough for the small models to learn from. */
const synthetic = { train: 400, val: 60, seed: 0 }

/** The folder of --data, or synthetic scenes of the model's image size, made once. */
async function dataFolder(model: ElaboratedModel, given: string | undefined): Promise<string> {
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

const lossLine = (result: TrainingResult, name: string): string => `${name} ${figure(result.first[name])} -> ${figure(result.last[name])}`

async function runTraining(file: string, options: TrainOptions): Promise<void> {
  const set = options.steps === undefined ? options.set : [...options.set, `train.steps=${options.steps}`]
  const { model } = compileFile(file, { ...options, set, mode: 'train' })
  const seed = options.seed ?? model.train.seed
  const unreached = unreachedParameters(model)
  if (unreached.length > 0) process.stderr.write(`warning: the loss does not depend on ${unreached.length} parameters, which stay as they are: ${unreached.slice(0, 4).join(', ')}${unreached.length > 4 ? ', ...' : ''}\n`)
  const step = optimise(buildTrainingStep(model), { differentiated: true })
  const digest = digestOf(printProgram(step))
  const folder = options.resume ?? options.out ?? join('runs', model.name)
  if (options.resume === undefined && checkpointSteps(folder).length > 0) throw new UserError(`${folder}: a run is there already: go on with it by --resume ${folder}, or choose another folder with --out`)
  const resumed = options.resume === undefined ? undefined : loadCheckpoint(options.resume, step.inputs)
  if (resumed !== undefined && resumed.info.program !== digest) throw new UserError(`${folder}: was started with another program (${resumed.info.program}, the text now gives ${digest}): resume with the text and the --set options of the start; ${join(folder, 'model.mtl.txt')} holds them resolved`)
  if (resumed !== undefined && resumed.info.seed !== seed) throw new UserError(`${folder}: was started with --seed ${resumed.info.seed}; ${seed} would change the order of the data`)
  const start = resumed?.info.step ?? 0
  if (start >= model.train.steps) throw new UserError(`${folder}: has done all its ${model.train.steps} steps; --steps N with a larger N starts another schedule`)
  const given = options.weights === undefined ? {} : loadWeights(options.weights, model, false)

  const root = await dataFolder(model, options.data)
  const kinds = new Set<string>(model.tasks.map(t => t.config.kind))
  const need = { labels: kinds.has('segmentation'), disparity: kinds.has('depth'), boxes: kinds.has('detection3d') }
  const dataset = await openCityscapes3d(root, 'train', { image: model.data.image, need, boxes: model.data.boxes })
  const progress = new Progress(process.stderr)
  const engine = await openEngine(options)
  let asked = 0
  const onSignal = (): void => {
    asked++
    if (asked === 1) progress.note('stopping after this step (again to stop at once without saving)')
    else process.exit(130)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const state = resumed?.state ?? fillState(step, given, seed)
    const session = await engine.open(step, state)
    writeAtomically(join(folder, 'model.mtl.txt'), resolvedText(model))
    const batches = await openBatches({ dataset: { root, split: 'train', image: model.data.image, need, boxes: model.data.boxes }, data: model.data, tasks: model.tasks, batch: model.train.batch, seed, start })
    process.stderr.write(`${model.name}: ${dataset.ids.length} images, batch ${model.train.batch}, steps ${start} to ${model.train.steps}, ${engine.name} on ${engine.device}, run folder ${folder}\n`)
    let result: TrainingResult
    try {
      result = await train({ folder, model, step, digest, seed, start, steps: model.train.steps, session, batches, log: new RunLog(folder, start), progress, stopping: () => asked > 0 })
    } finally {
      await batches.close()
      await session.dispose()
    }
    process.stderr.write(`${['loss', ...model.tasks.map(t => t.name)].filter(n => n in result.first).map(n => lossLine(result, n)).join(', ')} (means of the first and the last logged steps)\n${result.weights}: written\n`)
    if (result.stopped) { process.stderr.write(`stopped at step ${result.step}; go on with --resume ${folder}\n`); return }
    await finish(file, { ...options, set }, folder, root, result.weights, engine)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    await engine.close()
  }
}

/** After the last step: evaluation on the held-out split, and the ONNX file. */
async function finish(file: string, options: TrainOptions, folder: string, root: string, weights: string, engine: Awaited<ReturnType<typeof openEngine>>): Promise<void> {
  const compiled = compileFile(file, { ...options, mode: 'infer', batch: 1, quiet: true })
  const { model } = compiled
  const state = bindWeights(model, readSafetensors(weights).tensors).values
  if (options.eval && existsSync(join(root, 'leftImg8bit', 'val'))) {
    const results = await evaluateSplit(model, engine, state, root, 'val')
    writeAtomically(join(folder, 'results.json'), `${JSON.stringify({ model: model.name, weights, split: 'val', tasks: results }, null, 2)}\n`)
    process.stdout.write(`${describeResults(results).join('\n')}\n`)
  }
  if (options.export) {
    const path = join(folder, 'model.onnx')
    const differences = await exportOnnx(compiled, compiled, state, engine, path, {})
    const worst = differences.reduce((a, b) => (b.relative > a.relative ? b : a))
    process.stdout.write(`${path}: equals the training engine, ${describeDifferences([worst])}\n`)
  }
}

export const trainCommand = (): Command => withEngine(withModel(new Command('train')
  .description('train a model; without --data on synthetic scenes, made once')
  .argument('<file>')
  .option('--data <dir>', 'root of the data set')
  .option('--out <run>', 'folder for log, checkpoints and results (default runs/MODEL)')
  .option('--steps <n>', 'as --set train.steps=N', whole(1))
  .option('--weights <file>', 'first values: .safetensors, .pth or .pt')
  .option('--resume <run>', 'go on with a stopped run')
  .option('--seed <n>', 'seed of first values, data order and random draws (default train.seed)', whole(0))
  .option('--no-eval', 'no evaluation on the split `val` at the end')
  .option('--no-export', 'no ONNX file at the end')))
  .action(runTraining)
