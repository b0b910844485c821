// The training loop: batches and scalars in, losses out, checkpoints, log and evaluations on the way; stops cleanly when asked.
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { ModelDescription } from '../../compiler/semantics/model.ts'
import { imagesPerStep } from '../../compiler/training/length.ts'
import { learningRate } from '../../compiler/training/schedule.ts'
import type { BatchSource } from '../data/prefetch.ts'
import type { HostTensors, Session } from '../engines/engine.ts'
import { checkpointSteps, prune, saveCheckpoint, weightsPath } from './checkpoint.ts'
import { EvaluationHistory, type Best, type EvaluationPlan } from './evaluations.ts'
import { readLog, type RunLog } from './log.ts'
import { LossWeights, type LossWeightsState } from './loss-weights.ts'
import { takeStep } from './passes.ts'
import { duration, figure, Pace, type Progress } from './progress.ts'
import { Window, type WindowState } from './window.ts'

export interface TrainingRun {
  readonly folder: string
  readonly model: ModelDescription
  /** inputs and outputs of the program that the session runs */
  readonly step: Pick<Program, 'inputs' | 'outputs'>
  readonly digest: string
  readonly seed: number
  /** steps already done: their checkpoint is in the folder */
  readonly start: number
  readonly steps: number
  /** losses since the last line of the log of the run that is resumed */
  readonly window?: WindowState | undefined
  /** steps of one pass over the data; 1 if not given */
  readonly epoch?: number
  /** of the run that is resumed */
  readonly lossWeights?: LossWeightsState | undefined
  readonly session: Session
  readonly batches: BatchSource
  readonly log: RunLog
  readonly progress: Progress
  readonly evaluation?: EvaluationPlan | undefined
  /** Where a number that is not finite comes from, in words: step `step` (from 0) is made again from `state`, its state before it. Asked for the first step that is skipped. */
  readonly examine?: (step: number, state: HostTensors, scalars: Readonly<Record<string, number>>) => Promise<string>
  /** asked between steps: true ends the run after the current step */
  stopping(): boolean
}

export interface TrainingResult {
  readonly step: number
  /** `stopped`: asked to end; `early`: no better evaluation was to be waited for */
  readonly ended: 'done' | 'stopped' | 'early'
  /** total and task losses, averaged over the first and the last logged window */
  readonly first: Readonly<Record<string, number>>
  readonly last: Readonly<Record<string, number>>
  /** of the last step */
  readonly weights: string
  readonly best: (Best & { readonly weights: string }) | undefined
}

/** A loss that is no number ends the run: going on would only spoil the weights. */
export class TrainingError extends Error {}

/** A step whose losses or gradients are not finite, after which its state cannot be used. */
export class NonFiniteError extends TrainingError {
  /** counted from 0 */
  readonly step: number
  constructor(message: string, step: number) {
    super(message)
    this.step = step
  }
}

/** As many steps in a row that have to be skipped end the run. */
export const skipLimit = 10

/** `loss/semseg` -> `semseg`; the total stays `loss`. */
const lossName = (output: string): string => output.replace(/^loss\//, '')

/** Runs the steps start .. steps - 1. Every logged line holds means since the line before. The last step is always logged, evaluated and saved; a step at which the run is stopped is saved, with what the next line needs. */
export async function train(run: TrainingRun): Promise<TrainingResult> {
  const { model, steps, session, batches, progress, evaluation, folder, log } = run
  const { logEvery, checkpointEvery, keep } = model.train
  const lossOutputs = run.step.outputs.filter(o => o.role === 'loss').map(o => o.name)
  const taskLosses = model.tasks.map(t => t.name).filter(t => lossOutputs.includes(`loss/${t}`))
  const pace = new Pace()
  const window = new Window(run.window)
  const weights = new LossWeights(model.tasks.filter(t => taskLosses.includes(t.name)), model.train.weighting, run.epoch ?? 1, run.lossWeights)
  const history = new EvaluationHistory(evaluation ?? { best: undefined, patience: undefined }, readLog(folder).evaluations)
  const recent = new Map<string, number>()
  let first: Record<string, number> | undefined
  let last: Record<string, number> = {}
  let step = run.start
  let examined = false
  let saved: number | undefined = run.start > 0 ? run.start : undefined
  const save = async (): Promise<void> => {
    if (saved === step) return
    const info = { model: model.name, step, steps, seed: run.seed, program: run.digest, text: model.resolved, window: window.state(), lossWeights: weights.state() }
    await session.lendState(state => {
      const broken = Object.keys(state).find(name => !isFinite(state[name]))
      if (broken !== undefined) throw spoilt(run, step, `${broken} holds a number that is not finite`)
      saveCheckpoint(folder, info, run.step.inputs, state, { keep, best: history.best?.step })
    })
    saved = step
  }
  const evaluateHere = async (): Promise<void> => {
    if (evaluation === undefined || log.hasEvaluation(step)) return
    progress.end()
    // An interrupt from the terminal reaches the process that evaluates too; a resumed run makes up for it.
    const found = await evaluation.run(step, weightsPath(folder, step)).catch((error: unknown) => { if (!run.stopping()) throw error })
    if (found === undefined) return
    const { metrics, samples } = found
    log.evaluation(step, metrics)
    log.samples(step, samples)
    const better = history.add(step, metrics)
    if (better) prune(folder, { keep, best: step })
    const { best } = evaluation
    const shown = Object.entries(metrics).map(([k, v]) => `${k} ${figure(v)}`).join('  ')
    progress.note(`step ${step}: ${shown}${best === undefined ? '' : better ? '  (the best so far)' : history.best === undefined ? '' : `  (best ${best.metric} ${figure(history.best.value)} at step ${history.best.step})`}`)
    pace.pause()
  }
  if (run.start === 0) await save()
  else if (evaluation !== undefined && (run.start % evaluation.every === 0 || run.start === steps)) await evaluateHere()
  pace.tick(performance.now())
  while (step < steps && !run.stopping() && !history.exhausted) {
    const scalars = weights.scalars()
    const { outputs: out, ids } = await takeStep({ train: model.train, program: run.step, seed: run.seed, session, batches, scalars }, step)
    const losses = readLosses(out, lossOutputs)
    const broken = nonFinite(losses, out)
    step++
    if (broken === undefined) {
      window.add(losses)
      weights.add(losses)
      for (const warning of weights.collapsed(weights.used(out))) progress.note(`warning: step ${step}: ${warning}`)
      for (const [k, v] of Object.entries(losses)) recent.set(k, recent.has(k) ? 0.9 * recent.get(k)! + 0.1 * v : v)
    } else {
      const what = `${broken} on ${ids.join(', ')}`
      if (model.train.onNonfinite === 'stop') throw new NonFiniteError(spoilt(run, step, what).message, step - 1)
      const row = window.skip()
      progress.note(`step ${step}: ${what}: skipped, parameters and moments are unchanged`)
      if (!examined && run.examine !== undefined) progress.note(await run.examine(step - 1, await session.readState(), scalars))
      examined = true
      if (row >= skipLimit) throw new TrainingError(`step ${step}: ${row} steps in a row were skipped because losses or gradients were not finite\n  ${kept(folder)}\n  ${remedy}`)
    }
    pace.tick(performance.now())
    const rate = pace.secondsPerStep > 0 ? imagesPerStep(model.train) / pace.secondsPerStep : 0
    const done = step === steps || run.stopping()
    if (step % logEvery === 0 || step === steps || step === 1) {
      const { skipped } = window
      last = window.take()
      first ??= last
      const { loss = NaN, ...rest } = last
      log.append({ step, lr: learningRate(model.train, step - 1), loss, losses: rest, gradNorm: broken === undefined ? out.grad_norm?.data[0] : undefined, imagesPerSecond: rate, weights: weights.used(out), ...(model.train.onNonfinite === 'skip' && { skipped }) })
    }
    const shown = ['loss', ...taskLosses].flatMap(t => (recent.has(t) ? [`${t} ${figure(recent.get(t)!)}`] : [])).join('  ')
    progress.update(`step ${step}/${steps}  ${shown}  ${figure(rate)} images/s  ${duration((steps - step) * pace.secondsPerStep)} left`, performance.now(), done)
    const evaluating = evaluation !== undefined && (step % evaluation.every === 0 || step === steps)
    if (step % checkpointEvery === 0 || evaluating || done) await save()
    if (evaluating && !run.stopping()) await evaluateHere()
  }
  progress.end()
  await save()
  if (window.steps > 0) last = window.means()
  const best = history.best === undefined ? undefined : { ...history.best, weights: weightsPath(folder, history.best.step) }
  return { step, ended: step === steps ? 'done' : history.exhausted ? 'early' : 'stopped', first: first ?? last, last, weights: weightsPath(folder, step), best }
}

function readLosses(out: HostTensors, names: readonly string[]): Record<string, number> {
  const losses: Record<string, number> = {}
  for (const name of names) losses[lossName(name)] = out[name].data[0]
  return losses
}

/** What is not finite, in words. */
function nonFinite(losses: Readonly<Record<string, number>>, out: HostTensors): string | undefined {
  const broken = Object.keys(losses).filter(k => !Number.isFinite(losses[k]))
  if (broken.length > 0) return `${broken.join(', ')} became ${losses[broken[0]]}`
  const norm = out.grad_norm?.data[0]
  return norm !== undefined && !Number.isFinite(norm) ? `the norm of the gradients became ${norm}` : undefined
}

const remedy = 'fix: a lower learning rate (--set train.optimizer.lr=...) or gradient clipping (--set train.clip_norm=10) usually helps'

function kept(folder: string): string {
  const step = checkpointSteps(folder).at(-1)
  return step === undefined ? 'There is no checkpoint yet' : `The checkpoint of step ${step} is untouched`
}

/** The step has changed the weights in the engine already: they are not saved. */
const spoilt = (run: TrainingRun, step: number, what: string): TrainingError => new TrainingError(`step ${step}: ${what}\n  ${kept(run.folder)}\n  ${remedy}`)

function isFinite({ dtype, data }: TensorData): boolean {
  if (dtype === 'float32') for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false
  return true
}
