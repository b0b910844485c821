// Optimisers as nodes of the program, and the scalars the training loop feeds them.
import type { Builder } from '../ir/builder.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import type { TensorType } from '../ir/types.ts'
import { Emitter } from '../rules/gradient-language.ts'
import type { OptimiserSpec, TrainSpec } from '../tasks/spec.ts'
import { learningRate } from './schedule.ts'

/** A parameter to be updated; all values have the parameter's shape. */
export interface Trained { readonly name: string; readonly value: ValueId; readonly gradient: ValueId; readonly origin: Origin }

/** The next values of the parameters and moments, by the names of the inputs they replace. */
export interface Update { readonly parameters: readonly (readonly [string, ValueId])[]; readonly moments: readonly (readonly [string, ValueId])[] }

const scalarType: TensorType = { dtype: 'float32', shape: [] }

/** Weight decay as torch.optim.Adam and SGD have it: an L2 term in the gradient. */
const decayed = (g: Emitter, { value, gradient }: Trained, weightDecay: number): ValueId => weightDecay === 0 ? gradient : g.add(gradient, g.scale(value, weightDecay))

const moment = (builder: Builder, name: string, { value, origin }: Trained): ValueId =>
  builder.input(name, 'moment', builder.type(value), { ...origin, phase: 'update' }, { kind: 'constant', value: 0 })

type Adam = Extract<OptimiserSpec, { kind: 'adam' }>
type Sgd = Extract<OptimiserSpec, { kind: 'sgd' }>

/** Kingma and Ba 2015 with the bias corrections as scalars: p - step_size * m / (sqrt(v) * bias2_scale + eps), as torch.optim.Adam. */
function adam(builder: Builder, { beta1, beta2, eps, weightDecay }: Adam, trained: readonly Trained[], origin: Origin): Update {
  const stepSize = builder.input('scalar/step_size', 'scalar', scalarType, origin)
  const bias2Scale = builder.input('scalar/bias2_scale', 'scalar', scalarType, origin)
  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    const gradient = decayed(g, p, weightDecay)
    const names = [`adam.m/${p.name}`, `adam.v/${p.name}`]
    const m = g.add(g.scale(moment(builder, names[0], p), beta1), g.scale(gradient, 1 - beta1))
    const v = g.add(g.scale(moment(builder, names[1], p), beta2), g.scale(g.square(gradient), 1 - beta2))
    const denominator = g.shift(g.mul(g.sqrt(v), bias2Scale), eps)
    parameters.push([p.name, g.sub(p.value, g.div(g.mul(m, stepSize), denominator))])
    moments.push([names[0], m], [names[1], v])
  }
  return { parameters, moments }
}

/** b = momentum * b + gradient; p - lr * b, as torch.optim.SGD without dampening; no moments where momentum is 0. */
function sgd(builder: Builder, { momentum, weightDecay }: Sgd, trained: readonly Trained[], origin: Origin): Update {
  const lr = builder.input('scalar/lr', 'scalar', scalarType, origin)
  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    let direction = decayed(g, p, weightDecay)
    if (momentum !== 0) {
      const name = `sgd.momentum/${p.name}`
      direction = g.add(g.scale(moment(builder, name, p), momentum), direction)
      moments.push([name, direction])
    }
    parameters.push([p.name, g.sub(p.value, g.mul(direction, lr))])
  }
  return { parameters, moments }
}

/** Append the update of all parameters, with moments (`adam.m/<parameter>`, `adam.v/...`, `sgd.momentum/...`, zero at the start) and scalars as new inputs. */
export const applyOptimiser = (builder: Builder, spec: OptimiserSpec, trained: readonly Trained[], origin: Origin): Update =>
  spec.kind === 'adam' ? adam(builder, spec, trained, { ...origin, phase: 'update' }) : sgd(builder, spec, trained, { ...origin, phase: 'update' })

/** The scalar inputs of the training step of step `step` (from 0), by name, in double precision. */
export function optimiserScalars(train: Pick<TrainSpec, 'optimizer' | 'schedule' | 'steps'>, step: number): Record<string, number> {
  const lr = learningRate(train, step)
  const spec = train.optimizer
  if (spec.kind === 'sgd') return { 'scalar/lr': lr }
  return { 'scalar/step_size': lr / (1 - spec.beta1 ** (step + 1)), 'scalar/bias2_scale': 1 / Math.sqrt(1 - spec.beta2 ** (step + 1)) }
}
