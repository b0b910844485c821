// Where a number that is not finite comes from: the step is made again in a checked mode, from the state that it began with.
import { firstNonFinite } from '../compiler/training/checked.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import type { TaskSpec, TrainSpec } from '../compiler/tasks/spec.ts'
import { stepsPerEpoch } from '../compiler/training/length.ts'
import { openBatches, type Images } from '../runtime/data/prefetch.ts'
import type { Engine, HostTensors, Session } from '../runtime/engines/engine.ts'
import { findCheckpoint, loadCheckpoint } from '../runtime/train/checkpoint-read.ts'
import { countedBatches } from '../runtime/train/counted-batches.ts'
import { LossWeights } from '../runtime/train/loss-weights.ts'
import { hostFeeds, passesOf, takeStep } from '../runtime/train/passes.ts'
import { Progress } from '../runtime/train/progress.ts'
import type { PlacedValue, TrainingText } from './compiler-protocol.ts'
import { CompilerProcess } from './compiler.ts'

/** What a step of a run is made of. */
export interface ExaminedRun {
  readonly folder: string
  readonly text: TrainingText
  readonly train: TrainSpec
  /** those with losses */
  readonly tasks: readonly TaskSpec[]
  readonly seed: number
  readonly images: Images
  readonly engine: Engine
  readonly memory: number | undefined
}

/** Images that were replaced are replaced again. */
const replacing = ({ onError }: TrainSpec): { onUnreadable?: () => void } => (onError === 'skip' ? { onUnreadable: () => {} } : {})

const isFinite = ({ dtype, data }: TensorData): boolean => dtype !== 'float32' || (data as Float32Array).every(Number.isFinite)

function describe({ input, op, path, phase, place }: PlacedValue): string {
  if (input !== '') return `\`${input}\`, which the step is fed, holds it already`
  const when = phase === 'forward' || phase === 'loss' ? '' : phase === 'backward' ? ' in its gradient' : ' in its update'
  return `${path === '' ? 'the sum of the losses' : path}${when} (operator ${op}${place === '' ? '' : `, ${place}`})`
}

async function withCompiler<T>({ text }: ExaminedRun, use: (compiler: CompilerProcess) => Promise<T>): Promise<T> {
  const compiler = new CompilerProcess()
  try {
    await compiler.ask('describe', { ...text, quiet: true })
    return await use(compiler)
  } finally { await compiler.close() }
}

/** Step `step` (from 0) in a checked mode from `state`: which part of the model was the first to give a number that is not finite. */
export async function examineStep(run: ExaminedRun, step: number, state: HostTensors, scalars: Readonly<Record<string, number>>): Promise<string> {
  const { train, seed, images, engine } = run
  const check = await withCompiler(run, compiler => compiler.ask('checked', { target: engine.target }))
  const inputs = check.values.filter(v => v.input !== '').map(v => v.input)
  const given = new Map(Object.entries(state))
  const session = await engine.openPrepared(check.prepared, Object.fromEntries(check.prepared.state.map(({ name }) => [name, given.get(name)!])))
  const batches = countedBatches(openBatches({ images, batch: train.batch, seed, start: step * passesOf(train), workers: 0, ...replacing(train) }), check.step.counts, passesOf(train))
  try {
    for (let pass = 0; pass < passesOf(train); pass++) {
      const { feeds, ids } = await batches.next()
      const fed: Record<string, TensorData> = { ...feeds, ...hostFeeds({ train, program: check.step, seed, scalars }, step, pass) }
      const out = await session.run(fed)
      const bad = new Set(inputs.filter(name => { const t = fed[name] ?? given.get(name); return t !== undefined && !isFinite(t) }))
      const first = firstNonFinite(check, out.check.data, name => bad.has(name))
      if (first !== undefined) return `step ${step + 1}: the first number that is not finite is made by ${describe(first)}; images ${ids.join(', ')}`
    }
    return `step ${step + 1}: made again in a checked mode, all its numbers are finite: what overflowed lies at the edge of float32, or the engine does not repeat its results`
  } finally {
    await batches.close()
    await session.dispose()
  }
}

/** As `examineStep`, from the newest checkpoint: the steps between it and `step` are made again first, as they were. */
export async function examineFromCheckpoint(run: ExaminedRun, step: number, stopping: () => boolean): Promise<string> {
  const { folder, train, tasks, seed, images, engine, memory } = run
  const { info } = findCheckpoint(folder)
  const progress = new Progress(process.stderr)
  const again = step - info.step
  progress.note(`making ${again === 0 ? 'the step' : again === 1 ? 'the step before it' : `the ${again} steps before it`} again from the checkpoint of step ${info.step}, to find where it comes from (Ctrl-C ends that)`)
  const { prepared, step: program } = await withCompiler(run, compiler => compiler.ask('step', { target: engine.target, memory }))
  const { state } = loadCheckpoint(folder, info, program.inputs)
  const weights = new LossWeights(tasks, train.weighting, stepsPerEpoch(train, images.ids.length), info.lossWeights)
  if (info.step === step) return examineStep(run, step, state, weights.scalars())
  const batches = countedBatches(openBatches({ images, batch: train.batch, seed, start: info.step * passesOf(train), ...replacing(train) }), program.counts, passesOf(train))
  let session: Session | undefined
  let before: HostTensors
  try {
    session = await engine.openPrepared(prepared, state, { give: true })
    for (let s = info.step; s < step; s++) {
      if (stopping()) return `step ${step + 1} was not examined`
      const { outputs } = await takeStep({ train, program, seed, session, batches, scalars: weights.scalars() }, s)
      weights.add(Object.fromEntries(tasks.map(({ name }) => [name, outputs[`loss/${name}`].data[0]])))
      progress.update(`step ${s + 1} again`, performance.now(), s + 1 === step)
    }
    before = await session.readState()
  } finally {
    progress.end()
    await batches.close()
    await session?.dispose()
  }
  return examineStep(run, step, before, weights.scalars())
}
