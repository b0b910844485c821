// One step of the optimiser: a pass over a batch, or several passes whose gradients add up.
import type { Program } from '../../compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../compiler/ir/types.ts'
import type { TrainSpec } from '../../compiler/tasks/spec.ts'
import { optimiserScalars } from '../../compiler/training/scalars.ts'
import type { BatchSource } from '../data/prefetch.ts'
import type { HostTensors, Session } from '../engines/engine.ts'
import { randomStream } from '../weights/initialise.ts'

export interface StepRun {
  readonly train: TrainSpec
  /** inputs and outputs of the program that the session runs */
  readonly program: Pick<Program, 'inputs' | 'outputs'>
  readonly seed: number
  readonly session: Session
  readonly batches: BatchSource
  /** further scalars, the same for every pass */
  readonly scalars?: Readonly<Record<string, number>>
}

/** Losses are means over the passes; other outputs are those of the last pass, but a norm of gradients that is not finite is told of any. */
export interface StepResult { readonly outputs: HostTensors; readonly ids: readonly string[] }

/** Uniform [0, 1) tensors of every random input for one pass: a function of seed, number of the pass in the run and name only. */
export function randomFeeds(program: Pick<Program, 'inputs'>, seed: number, pass: number): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = {}
  for (const { role, name, type } of program.inputs) {
    if (role !== 'random') continue
    const draw = randomStream(seed, `${name}@${pass}`)
    feeds[name] = { dtype: 'float32', shape: type.shape, data: Float32Array.from({ length: sizeOf(type.shape) }, () => Math.min(draw(), 1 - 2 ** -24)) }
  }
  return feeds
}

const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: new Float32Array([v]) })
const scalars = (values: Readonly<Record<string, number>>): Record<string, TensorData> => Object.fromEntries(Object.entries(values).map(([name, v]) => [name, scalar(v)]))

/** Passes of one step of the optimiser. */
export const passesOf = ({ accumulate = 1 }: Pick<TrainSpec, 'accumulate'>): number => accumulate

/** What pass `pass` of step `step` is fed besides its batch: a function of the text, the seed and the two numbers. */
export const hostFeeds = ({ train, program, seed, scalars: more = {} }: Pick<StepRun, 'train' | 'program' | 'seed' | 'scalars'>, step: number, pass: number): HostTensors =>
  ({ ...randomFeeds(program, seed, step * passesOf(train) + pass), ...scalars({ ...optimiserScalars(train, step, pass), ...more }) })

/** Step `step` (from 0) of a run. */
export async function takeStep(run: StepRun, step: number): Promise<StepResult> {
  const { train, program, session, batches } = run
  const passes = passesOf(train)
  const names = program.outputs.filter(o => o.role === 'loss').map(o => o.name)
  const sums = new Map<string, number>()
  const ids: string[] = []
  let outputs: HostTensors = {}
  let broken: HostTensors = {}
  for (let pass = 0; pass < passes; pass++) {
    const batch = await batches.next()
    outputs = await session.run({ ...batch.feeds, ...hostFeeds(run, step, pass) })
    ids.push(...batch.ids)
    if (!Number.isFinite(outputs.grad_norm?.data[0] ?? 0)) broken = { grad_norm: outputs.grad_norm }
    for (const name of names) sums.set(name, (sums.get(name) ?? 0) + outputs[name].data[0])
  }
  if (passes === 1) return { outputs, ids }
  return { outputs: { ...outputs, ...broken, ...scalars(Object.fromEntries([...sums].map(([name, sum]) => [name, sum / passes]))) }, ids }
}
