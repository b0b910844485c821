// The training loop: batches and scalars in, losses out, checkpoints and log on the way; stops cleanly when asked.
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { ModelDescription } from '../../compiler/semantics/model.ts'
import { imagesPerStep } from '../../compiler/training/length.ts'
import { learningRate } from '../../compiler/training/schedule.ts'
import type { BatchSource } from '../data/prefetch.ts'
import type { HostTensors, Session } from '../engines/engine.ts'
import { checkpointSteps, saveCheckpoint, type CheckpointInfo } from './checkpoint.ts'
import type { RunLog } from './log.ts'
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
  /** steps already done */
  readonly start: number
  readonly steps: number
  /** losses since the last line of the log of the run that is resumed */
  readonly window?: WindowState
  /** steps of one pass over the data; 1 if not given */
  readonly epoch?: number
  /** of the run that is resumed */
  readonly lossWeights?: LossWeightsState
  readonly session: Session
  readonly batches: BatchSource
  readonly log: RunLog
  readonly progress: Progress
  /** asked between steps: true ends the run after the current step */
  stopping(): boolean
}

export interface TrainingResult {
  readonly step: number
  readonly stopped: boolean
  /** total and task losses, averaged over the first and the last logged window */
  readonly first: Readonly<Record<string, number>>
  readonly last: Readonly<Record<string, number>>
  readonly weights: string
}

/** A loss that is no number ends the run: going on would only spoil the weights. */
export class TrainingError extends Error {}

/** `loss/semseg` -> `semseg`; the total stays `loss`. */
const lossName = (output: string): string => output.replace(/^loss\//, '')

/** Runs the steps start .. steps - 1. Every logged line holds means since the line before. The last step is always logged and saved; a step at which the run is stopped is saved, with what the next line needs. */
export async function train(run: TrainingRun): Promise<TrainingResult> {
  const { model, steps, session, batches, progress } = run
  const { logEvery, checkpointEvery } = model.train
  const lossOutputs = run.step.outputs.filter(o => o.role === 'loss').map(o => o.name)
  const taskLosses = model.tasks.map(t => t.name).filter(t => lossOutputs.includes(`loss/${t}`))
  const pace = new Pace()
  const window = new Window(run.window)
  const weights = new LossWeights(model.tasks.filter(t => taskLosses.includes(t.name)), model.train.weighting, run.epoch ?? 1, run.lossWeights)
  const recent = new Map<string, number>()
  let first: Record<string, number> | undefined
  let last: Record<string, number> = {}
  let step = run.start
  let saved = ''
  const save = async (): Promise<void> => {
    const info: CheckpointInfo = { version: 1, model: model.name, step, steps, seed: run.seed, program: run.digest, window: window.state(), lossWeights: weights.state() }
    await session.lendState(state => {
      const broken = Object.keys(state).find(name => !isFinite(state[name]))
      if (broken !== undefined) throw spoilt(run, step, `${broken} holds a number that is not finite`)
      saved = saveCheckpoint(run.folder, info, run.step.inputs, state)
    })
  }
  pace.tick(performance.now())
  while (step < steps && !run.stopping()) {
    const { outputs: out, ids } = await takeStep({ train: model.train, program: run.step, seed: run.seed, session, batches, scalars: weights.scalars() }, step)
    const losses = readLosses(out, lossOutputs, run, step, ids)
    step++
    window.add(losses)
    weights.add(losses)
    const used = weights.used(out)
    for (const warning of weights.collapsed(used)) progress.note(`warning: step ${step}: ${warning}`)
    for (const [k, v] of Object.entries(losses)) recent.set(k, recent.has(k) ? 0.9 * recent.get(k)! + 0.1 * v : v)
    pace.tick(performance.now())
    const rate = pace.secondsPerStep > 0 ? imagesPerStep(model.train) / pace.secondsPerStep : 0
    const done = step === steps || run.stopping()
    if (step % logEvery === 0 || step === steps || step === 1) {
      last = window.take()
      first ??= last
      const { loss, ...rest } = last
      run.log.append({ step, lr: learningRate(model.train, step - 1), loss, losses: rest, gradNorm: out.grad_norm?.data[0], imagesPerSecond: rate, weights: used })
    }
    const shown = taskLosses.map(t => `${t} ${figure(recent.get(t)!)}`).join('  ')
    progress.update(`step ${step}/${steps}  loss ${figure(recent.get('loss')!)}  ${shown}  ${figure(rate)} images/s  ${duration((steps - step) * pace.secondsPerStep)} left`, performance.now(), done)
    if (step % checkpointEvery === 0 && !done) await save()
  }
  progress.end()
  await save()
  if (window.steps > 0) last = window.means()
  return { step, stopped: step < steps, first: first ?? last, last, weights: saved }
}

function readLosses(out: HostTensors, names: readonly string[], run: TrainingRun, step: number, ids: readonly string[]): Record<string, number> {
  const losses: Record<string, number> = {}
  for (const name of names) losses[lossName(name)] = out[name].data[0]
  const broken = Object.keys(losses).filter(k => !Number.isFinite(losses[k]))
  if (broken.length > 0) throw spoilt(run, step + 1, `${broken.join(', ')} became ${losses[broken[0]]} on ${ids.join(', ')}`)
  const norm = out.grad_norm?.data[0]
  if (norm !== undefined && !Number.isFinite(norm)) throw spoilt(run, step + 1, `the norm of the gradients became ${norm} on ${ids.join(', ')}`)
  return losses
}

/** The step has changed the weights in the engine already: they are not saved. */
function spoilt(run: TrainingRun, step: number, what: string): TrainingError {
  const kept = checkpointSteps(run.folder).at(-1)
  const left = kept === undefined ? 'There is no checkpoint yet' : `The checkpoint of step ${kept} is untouched`
  return new TrainingError(`step ${step}: ${what}\n  ${left}\n  fix: a lower learning rate (--set train.optimizer.lr=...) or gradient clipping (--set train.clip_norm=10) usually helps`)
}

function isFinite({ dtype, data }: TensorData): boolean {
  if (dtype === 'float32') for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false
  return true
}
