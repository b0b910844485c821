// What an engine is tried with: a network of the usual parts that trains for three steps, and the values that it should give.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { elaborate } from '../../compiler/index.ts'
import { interpret, toTensorData } from '../../compiler/ir/interpreter.ts'
import type { Program, ProgramInput } from '../../compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../compiler/ir/types.ts'
import { optimise } from '../../compiler/passes/index.ts'
import { optimiserScalars } from '../../compiler/training/scalars.ts'
import { buildTrainingStep } from '../../compiler/training/step.ts'
import type { HostTensors } from '../engines/engine.ts'
import { initialValue, randomStream } from '../weights/initialise.ts'
import { packageRoot } from '../worker-path.ts'

/** A training step, the values it begins with, what it is fed at each step, and what it should give. Plain data. */
export interface Trial {
  readonly program: Program
  readonly state: HostTensors
  readonly feeds: readonly HostTensors[]
  /** The losses of each step. */
  readonly losses: readonly HostTensors[]
  /** Parameters, moments and statistics after the last step. */
  readonly after: HostTensors
}

const random = ({ name, type: { dtype, shape } }: ProgramInput): TensorData => {
  const draw = randomStream(0, name)
  if (dtype === 'int32') return { dtype, shape, data: Int32Array.from({ length: sizeOf(shape) }, () => { const v = draw(); return v < 0.05 ? 255 : Math.floor(19 * v) }) }
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => name === 'image' ? 4 * draw() - 2 : 40 * draw()) }
}

const stateful = ['parameter', 'state', 'moment']

/** Compiles the network and lets the interpreter, which computes in float64, train it: less than a second. */
export function makeTrial(): Trial {
  const host = { read: (path: string) => readFileSync(join(packageRoot(), path), 'utf8') }
  const { model, diagnostics } = elaborate('models/trial.mtl', host, { mode: 'train' })
  if (model === undefined) throw new Error(`internal: the trial network does not compile: ${diagnostics.map(d => d.message).join('; ')}`)
  const program = optimise(buildTrainingStep(model), { differentiated: true })
  const state = Object.fromEntries(program.inputs.filter(i => stateful.includes(i.role)).map(i => [i.name, initialValue(i, 0)]))
  const fixed = Object.fromEntries(program.inputs.filter(i => i.role === 'input' || i.role === 'target').map(i => [i.name, random(i)]))
  const feeds = Array.from({ length: model.train.steps }, (_, step): HostTensors => ({ ...fixed, ...Object.fromEntries(Object.entries(optimiserScalars(model.train, step)).map(([name, v]) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(v) }])) }))
  let current: HostTensors = state
  const losses = feeds.map(given => {
    const found = Object.fromEntries(Object.entries(interpret(program, { ...current, ...given }).outputs).map(([name, v]) => [name, toTensorData(v)]))
    const isState = (name: string): boolean => name in state
    current = { ...current, ...Object.fromEntries(Object.entries(found).filter(([name]) => isState(name))) }
    return Object.fromEntries(Object.entries(found).filter(([name]) => !isState(name)))
  })
  return { program, state, feeds, losses, after: current }
}

/** The largest difference of any tensor of `expected` over its largest value, and that tensor's name. NaN where something is missing. */
export function largestDifference(found: HostTensors, expected: HostTensors): { readonly name: string; readonly relative: number } {
  let worst = { name: '', relative: 0 }
  for (const [name, { data }] of Object.entries(expected)) {
    const relative = relativeDifference(found[name]?.data, data)
    if (Number.isNaN(relative)) return { name, relative }
    if (relative > worst.relative) worst = { name, relative }
  }
  return worst
}

function relativeDifference(mine: TensorData['data'] | undefined, data: TensorData['data']): number {
  if (mine?.length !== data.length) return NaN
  let [difference, scale] = [0, 0]
  for (let i = 0; i < data.length; i++) {
    // Math.max keeps NaN.
    difference = Math.max(difference, Math.abs(mine[i] - data[i]))
    scale = Math.max(scale, Math.abs(data[i]))
  }
  return difference === 0 ? 0 : difference / scale
}
