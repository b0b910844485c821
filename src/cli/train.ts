// mtlc train: from text and data to trained weights, an evaluation and an ONNX file.
import { Command } from 'commander'
import { join } from 'node:path'
import { sizeOf } from '../compiler/ir/types.ts'
import type { ModelDescription } from '../compiler/semantics/model.ts'
import { frozenParameters } from '../compiler/tasks/groups.ts'
import { metricsOf } from '../compiler/tasks/metrics.ts'
import { stepsPerEpoch } from '../compiler/training/length.ts'
import { openBatches, type BatchSource } from '../runtime/data/prefetch.ts'
import type { Engine } from '../runtime/engines/engine.ts'
import { writeAtomically } from '../runtime/files.ts'
import { recordStart, thisStart } from '../runtime/runs/run-info.ts'
import { removeLeftovers } from '../runtime/train/checkpoint.ts'
import { setAside } from '../runtime/train/checkpoint-read.ts'
import type { EvaluationPlan } from '../runtime/train/evaluations.ts'
import { RunLock } from '../runtime/train/lock.ts'
import { RunLog } from '../runtime/train/log.ts'
import { countedBatches } from '../runtime/train/counted-batches.ts'
import { NonFiniteError, train, TrainingError, type TrainingResult } from '../runtime/train/loop.ts'
import { passesOf } from '../runtime/train/passes.ts'
import { duration, figure, Progress } from '../runtime/train/progress.ts'
import { UnreadableImages } from '../runtime/train/unreadable.ts'
import { packageVersion } from '../runtime/worker-path.ts'
import { givesBack, runGivingBack } from './allocator.ts'
import { CompilerProcess } from './compiler.ts'
import type { RunSource } from './evaluate-run.ts'
import { examineFromCheckpoint, examineStep, type ExaminedRun } from './examine.ts'
import { isExplained } from './explained.ts'
import type { FinishedRun } from './finish.ts'
import { fillState } from './first-values.ts'
import { memorySize } from './memory-size.ts'
import { whole, withAllMistakes, withEngine, withModel } from './options.ts'
import { requireUnchanged, stateOf, textFile } from './resume.ts'
import { StopRequest } from './stop.ts'
import { checkAll, say, type TrainOptions } from './train-check.ts'

const listed = (names: readonly string[]): string => `${names.slice(0, 4).join(', ')}${names.length > 4 ? `, ... (${names.length})` : ''}`

/** The batch of the first step is made before the run begins: what cannot be read is found out early. */
async function readyBatches(batches: BatchSource): Promise<BatchSource> {
  let first: Awaited<ReturnType<BatchSource['next']>> | undefined
  try { first = await batches.next() } catch (error) { await batches.close(); throw error }
  return {
    next: async () => {
      const batch = first ?? await batches.next()
      first = undefined
      return batch
    },
    close: () => batches.close(),
  }
}

function evaluationPlan({ train, tasks }: ModelDescription, source: Omit<RunSource, 'weights'>): EvaluationPlan | undefined {
  if (train.evalEvery === undefined) return undefined
  return {
    every: train.evalEvery, patience: train.earlyStop,
    best: train.best === undefined ? undefined : { metric: train.best, direction: metricsOf(tasks).get(train.best)! },
    run: async (step, weights) => {
      const child = new CompilerProcess()
      try { return await child.ask('evaluate', { ...source, weights, step, images: train.evalImages }) } finally { await child.close() }
    },
  }
}

async function runTraining(file: string, options: TrainOptions): Promise<void> {
  if (options.memory !== undefined && options.engine !== 'tfjs' && !givesBack()) return runGivingBack()
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
  let lock: RunLock | undefined
  try {
    const checked = await checkAll(file, options, compiler, opened => { engine = opened })
    if (checked === undefined) return undefined
    const { model, digest, sources, start: place, given, images, root, memory } = checked
    const { folder, seed, resumed } = place
    const parameters = model.program.inputs.filter(i => i.role === 'parameter')
    say(`${model.name}: ${model.tasks.map(t => t.name).join(', ')}; image ${model.data.image.join(' x ')}; ${parameters.reduce((n, p) => n + sizeOf(p.type.shape), 0).toLocaleString('en-US')} parameters`)
    place.notes.forEach(say)
    const compiling = performance.now()
    const { prepared, step, operators } = await compiler.ask('step', { target: checked.engine.target, memory })
    await compiler.close()
    const updated = new Set(step.outputs.filter(o => o.role === 'parameter').map(o => o.name))
    const frozen = frozenParameters(model.train, parameters)
    if (frozen.size > 0) say(`frozen: ${frozen.size} of ${parameters.length} parameters, as train.groups says`)
    const unreached = parameters.filter(p => !updated.has(p.name) && !frozen.has(p.name)).map(p => p.name)
    if (unreached.length > 0) say(`warning: the loss does not depend on ${unreached.length} parameters, which stay as they are: ${listed(unreached)}`)
    const loaded = resumed === undefined ? { state: fillState(step, given, seed), notes: [] } : stateOf(place, step.inputs)
    loaded.notes.forEach(say)
    const stopping = stop = new StopRequest(progress)
    const session = await checked.engine.openPrepared(prepared, loaded.state, { give: true })
    say(`training step: ${operators.toLocaleString('en-US')} operators, ready in ${((performance.now() - compiling) / 1000).toFixed(1)} s; ${checked.engine.name} on ${checked.engine.device}`)
    const start = resumed?.step ?? 0
    const { steps, batch, accumulate } = model.train
    const unreadable = new UnreadableImages()
    const batches = countedBatches(await readyBatches(openBatches({
      images, batch, seed, start: start * passesOf(model.train), note: text => progress.note(text),
      onUnreadable: model.train.onError === 'stop' ? undefined : image => { if (unreadable.add(image)) progress.note(`note: ${image.id} is replaced by the next image: ${image.reason}`) },
    })), step.counts, passesOf(model.train))
    const { ids, dropped, packed } = images
    const chosen = `${packed ? 'packed ' : ''}images${dropped === 0 ? '' : ` (${dropped} more have no box of an evaluated class and are left out)`}`
    say(`${root}: ${ids.length} ${chosen}, batch ${batch}${accumulate === undefined ? '' : ` x ${accumulate} passes`}; ${resumed === undefined ? '' : `resumed, `}steps ${start + 1} to ${steps}; log and checkpoints in ${folder}`)

    // From here on the folder is a run: the first step can be made.
    lock = new RunLock(folder)
    if (lock.left !== undefined) progress.note(`note: process ${lock.left.pid}, which wrote this run since ${lock.left.since}, is gone`)
    if (resumed !== undefined) {
      requireUnchanged(place)
      setAside(folder, place.rejected)
      removeLeftovers(folder)
    }
    writeAtomically(join(folder, textFile), model.resolved)
    unreadable.attach(folder, start * passesOf(model.train))
    recordStart(folder, { model: model.name, seed, steps, batch, data: root, images: ids.length, program: digest },
      thisStart({ step: start, engine: checked.engine.name, device: checked.engine.device, mtlc: packageVersion(), command: ['mtlc', ...process.argv.slice(2)] }))
    const source = { file, model: options.model, set: options.set, sources, engine: { engine: options.engine, device: options.device }, folder, root: images.source }
    const examined: ExaminedRun = { folder, text: { file, model: options.model, set: options.set, sources }, train: model.train, tasks: model.tasks.filter(t => step.outputs.some(o => o.name === `loss/${t.name}`)), seed, images, engine: checked.engine, memory }
    const log = new RunLog(folder, start)
    let result: TrainingResult
    try {
      result = await train({ folder, model, step, digest, seed, start, steps, ...(place.changed ? {} : { window: resumed?.window, lossWeights: resumed?.lossWeights }), epoch: stepsPerEpoch(model.train, ids.length), session, batches, log, progress, evaluation: evaluationPlan(model, source), examine: (at, state, scalars) => examineStep(examined, at, state, scalars), stopping: () => stopping.asked })
    } catch (error) {
      await session.dispose()
      if (!(error instanceof NonFiniteError)) throw error
      const found = await examineFromCheckpoint(examined, error.step, () => stopping.asked).catch((e: unknown) => { if (isExplained(e)) return `it could not be examined: ${e.message}`; throw e })
      throw new TrainingError(`${error.message}\n  ${found}`)
    } finally {
      log.close()
      await batches.close()
      await session.dispose()
    }
    const losses = ['loss', ...model.tasks.map(t => t.name)].filter(n => n in result.first && n in result.last)
    if (losses.length > 0) say(`${losses.map(n => `${n} ${figure(result.first[n])} -> ${figure(result.last[n])}`).join(', ')} (first and last means of the log)`)
    say(`${result.weights}: written, after ${duration((performance.now() - began) / 1000)}`)
    if (unreadable.summary !== undefined) say(`warning: ${unreadable.summary}`)
    const { best } = result
    if (best !== undefined) say(`${best.weights}: the best, ${model.train.best!} ${figure(best.value)} at step ${best.step}`)
    if (result.ended === 'early') say(`ended early at step ${result.step} of ${steps}: ${model.train.earlyStop} evaluations without a better ${model.train.best}`)
    if (result.ended !== 'stopped') return { ...source, weights: best?.weights ?? result.weights, eval: options.eval, export: options.export }
    say(`stopped at step ${result.step} of ${steps}; --resume ${folder} goes on from there`)
    process.exitCode = stopping.exitCode
    return undefined
  } finally {
    lock?.release()
    stop?.close()
    await engine?.close()
    await compiler.close()
  }
}

export const trainCommand = (): Command => withAllMistakes<TrainOptions>(withEngine(withModel(new Command('train')
  .description('train a model; without --data on synthetic scenes, made once')
  .addHelpText('after', '\nInterrupted (Ctrl-C, SIGTERM) it ends the step, saves, and exits with 130 (143); --resume RUN goes on as if nothing had happened, also after a kill or a crash.')
  .argument('<file>')
  .option('--data <dir>', 'root of the data set, or of a pack of it (mtlc data pack)')
  .option('--split-file <file>', 'train on the images that it lists, one per line')
  .option('--out <run>', 'folder for log, checkpoints and results (default runs/MODEL)')
  .option('--steps <n>', 'as --set train.steps=N', whole(1))
  .option('--weights <file>', 'first values: .safetensors, .pth or .pt')
  .option('--resume <run>', 'go on with a stopped run')
  .option('--allow-changes', 'go on although the text has changed: parameters are matched by name, new ones begin with their first values')
  .option('--seed <n>', 'seed of first values, data order and random draws (default train.seed)', whole(0))
  .option('--memory <size>', 'fit a step into this much memory, such as 14GiB, by computing parts of it twice (default train.memory)', memorySize)
  .option('--no-eval', 'no evaluation on the split `val` at the end')
  .option('--no-export', 'no ONNX file at the end'))), (file, options, usage) => runTraining(file, { ...options, usage }))
