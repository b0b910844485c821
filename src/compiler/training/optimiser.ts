// Optimisers as nodes of the program, and the scalars the training loop feeds them.
import type { Builder } from '../ir/builder.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import type { TensorType } from '../ir/types.ts'
import { Emitter } from '../rules/gradient-language.ts'
import type { OptimiserSpec, TrainSpec } from '../tasks/spec.ts'
import { learningRate } from './schedule.ts'

/** A parameter to be updated; its value and its gradient have its shape. */
export interface Trained { readonly name: string; readonly value: ValueId; readonly gradient: (g: Emitter) => ValueId; readonly origin: Origin }

/** The next values of the parameters and moments, by the names of the inputs they replace. */
export interface Update { readonly parameters: readonly (readonly [string, ValueId])[]; readonly moments: readonly (readonly [string, ValueId])[] }

const scalarType: TensorType = { dtype: 'float32', shape: [] }

const times = (g: Emitter, x: ValueId, factor: ValueId | undefined): ValueId => factor === undefined ? x : g.mul(x, factor)

/** With weight decay as torch.optim.Adam and SGD have it: an L2 term in the gradient after it was multiplied with `factor`. */
const decayed = (g: Emitter, { value, gradient }: Trained, weightDecay: number, factor: ValueId | undefined): ValueId => g.add(times(g, gradient(g), factor), g.scale(value, weightDecay))

const moment = (builder: Builder, name: string, { value, origin }: Trained): ValueId =>
  builder.input(name, 'moment', builder.type(value), { ...origin, phase: 'update' }, { kind: 'constant', value: 0 })

type Adam = Extract<OptimiserSpec, { kind: 'adam' }>
type Sgd = Extract<OptimiserSpec, { kind: 'sgd' }>

/**
 * Kingma and Ba 2015, as torch.optim.Adam: p - step_size * m / (sqrt(v) * bias2_scale + eps). All scalars are brought together first (the clipping factor with 1 - beta, the bias
 * correction with step size and eps), which saves two passes over each parameter.
 */
function adam(builder: Builder, { beta1, beta2, eps, weightDecay }: Adam, trained: readonly Trained[], factor: ValueId | undefined, origin: Origin): Update {
  const scalars = new Emitter(builder, origin)
  const stepSize = builder.input('scalar/step_size', 'scalar', scalarType, origin)
  const bias2Scale = builder.input('scalar/bias2_scale', 'scalar', scalarType, origin)
  const correctedStep = scalars.div(stepSize, bias2Scale)
  const correctedEps = scalars.div(scalars.fill(eps), bias2Scale)
  const open = weightDecay === 0 ? factor : undefined
  const share1 = open === undefined ? scalars.fill(1 - beta1) : scalars.scale(open, 1 - beta1)
  const share2 = open === undefined ? scalars.fill(1 - beta2) : scalars.scale(scalars.square(open), 1 - beta2)
  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    const gradient = weightDecay === 0 ? p.gradient(g) : decayed(g, p, weightDecay, factor)
    const names = [`adam.m/${p.name}`, `adam.v/${p.name}`]
    const m = g.add(g.scale(moment(builder, names[0], p), beta1), g.mul(gradient, share1))
    const v = g.add(g.scale(moment(builder, names[1], p), beta2), g.mul(g.square(gradient), share2))
    parameters.push([p.name, g.sub(p.value, g.div(g.mul(m, correctedStep), g.add(g.sqrt(v), correctedEps)))])
    moments.push([names[0], m], [names[1], v])
  }
  return { parameters, moments }
}

/** b = momentum * b + gradient; p - lr * b, as torch.optim.SGD without dampening; no moments where momentum is 0. */
function sgd(builder: Builder, { momentum, weightDecay }: Sgd, trained: readonly Trained[], factor: ValueId | undefined, origin: Origin): Update {
  const lr = builder.input('scalar/lr', 'scalar', scalarType, origin)
  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    let direction = weightDecay === 0 ? times(g, p.gradient(g), factor) : decayed(g, p, weightDecay, factor)
    if (momentum !== 0) {
      const name = `sgd.momentum/${p.name}`
      direction = g.add(g.scale(moment(builder, name, p), momentum), direction)
      moments.push([name, direction])
    }
    parameters.push([p.name, g.sub(p.value, g.mul(direction, lr))])
  }
  return { parameters, moments }
}

/**
 * Append the update of all parameters, with moments (`adam.m/<parameter>`, `adam.v/...`, `sgd.momentum/...`, zero at the start) and scalars as new inputs.
 * `factor`, a scalar, multiplies every gradient first (clipping).
 */
export function applyOptimiser(builder: Builder, spec: OptimiserSpec, trained: readonly Trained[], factor: ValueId | undefined, origin: Origin): Update {
  const own: Origin = { ...origin, phase: 'update' }
  return spec.kind === 'adam' ? adam(builder, spec, trained, factor, own) : sgd(builder, spec, trained, factor, own)
}

/** The scalar inputs of the training step of step `step` (from 0), by name, in double precision. */
export function optimiserScalars(train: Pick<TrainSpec, 'optimizer' | 'schedule' | 'steps'>, step: number): Record<string, number> {
  const lr = learningRate(train, step)
  const spec = train.optimizer
  if (spec.kind === 'sgd') return { 'scalar/lr': lr }
  return { 'scalar/step_size': lr / (1 - spec.beta1 ** (step + 1)), 'scalar/bias2_scale': 1 / Math.sqrt(1 - spec.beta2 ** (step + 1)) }
}
