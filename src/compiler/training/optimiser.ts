// Optimisers as nodes of the program.
import type { Builder } from '../ir/builder.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import type { TensorType } from '../ir/types.ts'
import { Emitter } from '../rules/gradient-language.ts'
import type { OptimiserSpec } from '../tasks/spec.ts'
import type { ParameterSettings } from '../tasks/groups.ts'

/** A parameter to be updated; its value and its gradient have its shape. */
export interface Trained { readonly name: string; readonly value: ValueId; readonly gradient: (g: Emitter) => ValueId; readonly origin: Origin; readonly settings: ParameterSettings; /** is not part of clipping */ readonly unclipped?: boolean }

/** The next values of the parameters and moments, by the names of the inputs they replace. */
export interface Update { readonly parameters: readonly (readonly [string, ValueId])[]; readonly moments: readonly (readonly [string, ValueId])[] }

/** What is done to every gradient first: multiplied with `factor`, a scalar (clipping by norm), then brought between -bound and bound. */
export interface Clipping { readonly factor: ValueId | undefined; readonly bound: number | undefined }

const scalarType: TensorType = { dtype: 'float32', shape: [] }

/** Optimiser state of the shape of a parameter, zero at the start. */
export const moment = (builder: Builder, name: string, { value, origin }: Pick<Trained, 'value' | 'origin'>): ValueId =>
  builder.input(name, 'moment', builder.type(value), { ...origin, phase: 'update' }, { kind: 'constant', value: 0 })

type Adam = Extract<OptimiserSpec, { beta1: number }>
type Sgd = Extract<OptimiserSpec, { kind: 'sgd' }>

export const scalarInput = (scalars: Emitter, name: string): ValueId => scalars.builder.input(`scalar/${name}`, 'scalar', scalarType, scalars.origin)

/** x * value, or times what stands for the value while a step waits for further gradients. */
const keeping = (g: Emitter, x: ValueId, value: number, held: ValueId | undefined): ValueId => held === undefined ? g.scale(x, value) : g.mul(x, held)

const times = (g: Emitter, x: ValueId, factor: ValueId | undefined): ValueId => factor === undefined ? x : g.mul(x, factor)

/** The gradient after clipping, with `decay` times the parameter added: weight decay as torch.optim.Adam and SGD have it. */
function clipped(g: Emitter, { value, gradient, unclipped = false }: Trained, clipping: Clipping, decay: number): ValueId {
  const { factor, bound } = unclipped ? { factor: undefined, bound: undefined } : clipping
  const scaled = times(g, gradient(g), factor)
  const within = bound === undefined ? scaled : g.max(g.min(scaled, g.fill(bound)), g.fill(-bound))
  return decay === 0 ? within : g.add(within, g.scale(value, decay))
}

/** One value per key, made in the order of `keys`. */
const table = <K, V>(keys: Iterable<K>, make: (key: K) => V): Map<K, V> => new Map([...new Set(keys)].map(k => [k, make(k)]))

/**
 * Kingma and Ba 2015, as torch.optim.Adam: p - step_size * m / (sqrt(v) * bias2_scale + eps). All scalars are brought together first (the clipping factor with 1 - beta, the bias
 * correction with step size and eps), which saves two passes over each parameter. AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW: the parameter is multiplied with 1 - lr * weight_decay
 * first, and the gradient stays as it is.
 */
function adam(builder: Builder, { kind, beta1, beta2, eps }: Adam, trained: readonly Trained[], clipping: Clipping, waits: boolean, origin: Origin): Update {
  const scalars = new Emitter(builder, origin)
  const stepSize = scalarInput(scalars, 'step_size')
  const bias2Scale = scalarInput(scalars, 'bias2_scale')
  const correctedStep = scalars.div(stepSize, bias2Scale)
  const correctedEps = scalars.div(scalars.fill(eps), bias2Scale)
  const held = waits ? { beta1: scalarInput(scalars, 'beta1'), beta2: scalarInput(scalars, 'beta2'), share1: scalarInput(scalars, 'share1'), share2: scalarInput(scalars, 'share2') } : undefined
  const share = (given: ValueId | undefined, value: number, factor: ValueId | undefined): ValueId =>
    given !== undefined ? times(scalars, given, factor) : factor === undefined ? scalars.fill(value) : scalars.scale(factor, value)

  const inGradient = (p: Trained): number => kind === 'adam' ? p.settings.weightDecay : 0
  // Where nothing else is done to a gradient, the clipping factor is part of its shares.
  const isPlain = (p: Trained): boolean => inGradient(p) === 0 && clipping.bound === undefined && p.unclipped !== true
  const factors = table(trained.map(isPlain), plain => plain ? clipping.factor : undefined)
  const shares = table(factors.keys(), plain => {
    const factor = factors.get(plain)
    const first = share(held?.share1, 1 - beta1, factor)
    return [first, share(held?.share2, 1 - beta2, factor === undefined ? undefined : scalars.square(factor))] as const
  })
  const steps = table(trained.map(p => p.settings.lr), factor => scalars.scale(correctedStep, factor))
  const decayOf = (p: Trained): number => kind === 'adamw' ? p.settings.lr * p.settings.weightDecay : 0
  const decays = trained.map(decayOf).filter(d => d !== 0)
  const lr = decays.length > 0 ? scalarInput(scalars, 'lr') : undefined
  const keeps = table(decays, d => scalars.from(1, scalars.scale(lr!, d)))

  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    const gradient = isPlain(p) ? p.gradient(g) : clipped(g, p, clipping, inGradient(p))
    const names = [`adam.m/${p.name}`, `adam.v/${p.name}`]
    const [share1, share2] = shares.get(isPlain(p))!
    const m = g.add(keeping(g, moment(builder, names[0], p), beta1, held?.beta1), g.mul(gradient, share1))
    const v = g.add(keeping(g, moment(builder, names[1], p), beta2, held?.beta2), g.mul(g.square(gradient), share2))
    const kept = times(g, p.value, keeps.get(decayOf(p)))
    parameters.push([p.name, g.sub(kept, g.div(g.mul(m, steps.get(p.settings.lr)!), g.add(g.sqrt(v), correctedEps)))])
    moments.push([names[0], m], [names[1], v])
  }
  return { parameters, moments }
}

/**
 * b = momentum * b + gradient; p - lr * b, as torch.optim.SGD without dampening; no moments where momentum is 0. With `nesterov` the step goes along gradient + momentum * b (Sutskever et al. 2013 in
 * the form of torch.optim.SGD).
 */
function sgd(builder: Builder, { momentum, nesterov = false }: Sgd, trained: readonly Trained[], clipping: Clipping, waits: boolean, origin: Origin): Update {
  const scalars = new Emitter(builder, origin)
  const lr = scalarInput(scalars, 'lr')
  const held = waits && momentum !== 0 ? { momentum: scalarInput(scalars, 'momentum'), share: scalarInput(scalars, 'share') } : undefined
  const steps = table(trained.map(p => p.settings.lr), factor => scalars.scale(lr, factor))
  const parameters: [string, ValueId][] = []
  const moments: [string, ValueId][] = []
  for (const p of trained) {
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    let direction = clipped(g, p, clipping, p.settings.weightDecay)
    if (momentum !== 0) {
      const name = `sgd.momentum/${p.name}`
      const gradient = direction
      direction = g.add(keeping(g, moment(builder, name, p), momentum, held?.momentum), times(g, gradient, held?.share))
      moments.push([name, direction])
      if (nesterov) direction = g.add(gradient, g.scale(direction, momentum))
    }
    parameters.push([p.name, g.sub(p.value, g.mul(direction, steps.get(p.settings.lr)!))])
  }
  return { parameters, moments }
}

/**
 * Append the update of all parameters, with moments (`adam.m/<parameter>`, `adam.v/...`, `sgd.momentum/...`, zero at the start) and scalars (scalars.ts) as new inputs. `waits`: there are passes
 * that only add to the gradients; what the optimiser keeps is then held by scalars from outside.
 */
export function applyOptimiser(builder: Builder, spec: OptimiserSpec, trained: readonly Trained[], clipping: Clipping, waits: boolean, origin: Origin): Update {
  const own: Origin = { ...origin, phase: 'update' }
  return spec.kind === 'sgd' ? sgd(builder, spec, trained, clipping, waits, own) : adam(builder, spec, trained, clipping, waits, own)
}
