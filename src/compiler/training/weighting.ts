// Strategies that weigh tasks by their gradients: one reverse pass per task, and what becomes of the parameters that several tasks share.
import type { Builder } from '../ir/builder.ts'
import type { Origin, ProgramInput, ValueId } from '../ir/program.ts'
import { sizeOf, type TensorData } from '../ir/types.ts'
import { Emitter } from '../rules/gradient-language.ts'
import { fits, pathOf } from '../tasks/groups.ts'
import type { WeightingSpec } from '../tasks/spec.ts'
import { gradnormInitial, gradnormWeight } from '../tasks/weighting-names.ts'
import { globalNorm } from './clip.ts'
import type { Update } from './optimiser.ts'
import { differentiate } from './reverse.ts'

export type GradientStrategy = Extract<WeightingSpec, { kind: 'gradnorm' | 'pcgrad' }>

/** A task's loss times its fixed weight. */
export interface WeightedLoss { readonly task: string; readonly weight: number; readonly loss: ValueId }

export interface WeighedGradients {
  /** Of every parameter that a loss depends on. */
  readonly gradients: ReadonlyMap<ValueId, ValueId>
  /** Next values of the state of the strategy. */
  readonly moments: Update['moments']
  /** What the losses are multiplied with, for the log: `weight/TASK`. */
  readonly weights: readonly (readonly [string, ValueId])[]
}

/** By parameter the gradients of the tasks that reach it, by task. */
type TaskGradients = ReadonlyMap<ProgramInput, ReadonlyMap<number, ValueId>>

/** The gradients of all losses, each by a reverse pass of its own; common subexpressions of the passes are merged later. */
function perTask(builder: Builder, losses: readonly WeightedLoss[], parameters: readonly ProgramInput[], origin: Origin): TaskGradients {
  const found = new Map<ProgramInput, Map<number, ValueId>>()
  losses.forEach(({ loss }, task) => {
    const { gradients, unreached } = differentiate(builder, loss, parameters.map(p => p.id), { ...origin, phase: 'backward' })
    const skipped = new Set(unreached)
    for (const p of parameters) if (!skipped.has(p.id)) (found.get(p) ?? found.set(p, new Map()).get(p)!).set(task, gradients.get(p.id)!)
  })
  return found
}

const isShared = (gradients: ReadonlyMap<number, ValueId>): boolean => gradients.size > 1

/** Sums over tasks of factor * gradient; undefined stands for 1. */
function combine(builder: Builder, found: TaskGradients, factorOf: (task: number, shared: boolean) => ValueId | undefined): Map<ValueId, ValueId> {
  return new Map([...found].map(([p, gradients]) => {
    const g = new Emitter(builder, { ...p.origin, phase: 'backward' })
    const terms = [...gradients].map(([task, gradient]) => {
      const factor = factorOf(task, isShared(gradients))
      return factor === undefined ? gradient : g.mul(gradient, factor)
    })
    return [p.id, terms.reduce((a, b) => g.add(a, b))] as const
  }))
}

/** A factor of gradnorm does not fall below this. */
const LEAST_FACTOR = 1e-3

/**
 * Chen et al. 2018: the factors v_i of the tasks move so that the norms G_i = v_i |gradient of the weighted loss i| over the shared parameters W come near mean(G) r_i^alpha, where r_i is how much of
 * its first loss a task has left, relative to the mean of that over the tasks; then they are scaled to a sum of as many as there are tasks (section 3, algorithm 1). The step along the gradient of the
 * sum of |G_i - target_i| is taken relative to mean(G), so that `lr` does not depend on the scale of the losses, and factors stay above 0.001. Each step uses the factors from before it.
 */
function gradnorm(builder: Builder, { alpha, lr, at }: Extract<GradientStrategy, { kind: 'gradnorm' }>, losses: readonly WeightedLoss[], total: ValueId, parameters: readonly ProgramInput[], origin: Origin): WeighedGradients {
  const g = new Emitter(builder, { ...origin, phase: 'update' })
  const factors = losses.map(({ task }) => builder.inputs.find(i => i.name === gradnormWeight(task))!.id)
  const chosen = at === undefined ? parameters : parameters.filter(p => at.some(pattern => fits(pattern, pathOf(p))))
  const found = perTask(builder, losses, chosen, origin)
  const norms = losses.map((_, task) => globalNorm(builder, [...found].flatMap(([p, gradients]) => isShared(gradients) && gradients.has(task) ? [{ value: gradients.get(task)!, origin: p.origin }] : []), origin))

  const mean = (values: readonly ValueId[]): ValueId => g.scale(values.reduce((a, b) => g.add(a, b)), 1 / values.length)
  const moments: [string, ValueId][] = []
  const left = losses.map(({ task, loss }) => {
    const name = gradnormInitial(task)
    const stored = builder.input(name, 'moment', { dtype: 'float32', shape: [] }, { ...origin, phase: 'update' }, { kind: 'constant', value: 0 })
    const first = g.where(g.op('equal', [stored, g.fill(0)], {}), loss, stored)
    moments.push([name, first])
    return g.div(loss, g.max(first, g.fill(1e-12)))
  })
  const meanLeft = g.max(mean(left), g.fill(1e-12))
  const scaled = norms.map((norm, i) => g.mul(norm, factors[i]))
  const meanNorm = g.max(mean(scaled), g.fill(1e-12))
  const moved = factors.map((factor, i) => {
    const target = g.mul(meanNorm, g.pow(g.div(left[i], meanLeft), g.fill(alpha)))
    const slope = g.mul(g.op('sign', [g.sub(scaled[i], target)], {}), g.div(norms[i], meanNorm))
    return g.max(g.sub(factor, g.scale(slope, lr)), g.fill(LEAST_FACTOR))
  })
  const scale = g.div(g.fill(losses.length), moved.reduce((a, b) => g.add(a, b)))
  losses.forEach(({ task }, i) => moments.push([gradnormWeight(task), g.mul(moved[i], scale)]))

  const whole = (): Map<ValueId, ValueId> => {
    const { gradients, unreached } = differentiate(builder, total, parameters.map(p => p.id), { ...origin, phase: 'backward' })
    return new Map([...gradients].filter(([p]) => !unreached.includes(p)))
  }
  return { gradients: at === undefined ? combine(builder, found, task => factors[task]) : whole(), moments, weights: [] }
}

/** Elements; the gradients of smaller parameters are laid one after the other before they are multiplied. */
const SMALL = 2 ** 15

const constant = (g: Emitter, shape: readonly number[], value: (...index: number[]) => number): ValueId => {
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)))
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, n) => value(...shape.map((size, i) => Math.floor(n / strides[i]) % size)))
  return g.constant({ dtype: 'float32', shape, data } satisfies TensorData)
}

/** [T, T]: products of the gradients of the tasks over all shared parameters. */
function gram(builder: Builder, found: TaskGradients, tasks: number, origin: Origin): ValueId {
  const g = new Emitter(builder, { ...origin, phase: 'update' })
  const shared = [...found].filter(([, gradients]) => isShared(gradients))
  const flat = ([p, gradients]: (typeof shared)[number], task: number): ValueId => {
    const size = sizeOf(p.type.shape), own = gradients.get(task)
    return own === undefined ? g.fill(0, [1, size]) : g.reshape(own, [1, size])
  }
  const isSmall = ([p]: (typeof shared)[number]): boolean => sizeOf(p.type.shape) <= SMALL
  const small = shared.filter(isSmall), terms: ValueId[] = []
  if (small.length > 0) {
    const rows = Array.from({ length: tasks }, (_, task) => { const parts = small.map(p => flat(p, task)); return parts.length === 1 ? parts[0] : g.op('concat', parts, { axis: 1 }) })
    const matrix = g.op('concat', rows, { axis: 0 })
    terms.push(g.matmul(matrix, matrix, { transB: true }))
  }
  for (const large of shared.filter(p => !isSmall(p))) {
    const rows = Array.from({ length: tasks }, (_, task) => flat(large, task))
    const products = new Map<string, ValueId>()
    for (let i = 0; i < tasks; i++) for (let j = i; j < tasks; j++) products.set(`${i} ${j}`, g.matmul(rows[i], rows[j], { transB: true }))
    const row = (i: number): ValueId => g.op('concat', rows.map((_, j) => products.get(`${Math.min(i, j)} ${Math.max(i, j)}`)!), { axis: 1 })
    terms.push(g.op('concat', rows.map((_, i) => row(i)), { axis: 0 }))
  }
  return terms.length === 0 ? g.fill(0, [tasks, tasks]) : terms.reduce((a, b) => g.add(a, b))
}

/** [T, T]: in row i the places at which the other tasks come, 0 to T - 2, in a random order; T - 1 for i itself. */
function ranks(g: Emitter, tasks: number): ValueId {
  const own = (i: number, j: number): number => i === j ? 1 : 0
  if (tasks === 2) return constant(g, [2, 2], own)
  const drawn = g.add(g.builder.input('random/pcgrad', 'random', { dtype: 'float32', shape: [tasks, tasks] }, g.origin), constant(g, [tasks, tasks], (i, j) => 2 * own(i, j)))
  const [self, other] = [g.reshape(drawn, [tasks, tasks, 1]), g.reshape(drawn, [tasks, 1, tasks])]
  const before = g.add(g.greater(self, other), g.mul(g.equal(self, other), constant(g, [1, tasks, tasks], (_, j, k) => k < j ? 1 : 0)))
  return g.sum(before, [2])
}

/**
 * Yu et al. 2020, algorithm 1: from the gradient of each task the part against that of each other task is taken, in random order, and the results are added. A gradient changed this way is a
 * combination of the gradients of all tasks, with coefficients that follow from their products alone: so the order, the conditions and the projections are arithmetic on T x T numbers, and the
 * gradients themselves are read twice. Parameters of one task keep their gradients.
 */
function pcgrad(builder: Builder, losses: readonly WeightedLoss[], parameters: readonly ProgramInput[], origin: Origin): WeighedGradients {
  const g = new Emitter(builder, { ...origin, phase: 'update' })
  const tasks = losses.length
  const found = perTask(builder, losses, parameters, origin)
  const products = gram(builder, found, tasks, origin)
  const identity = constant(g, [tasks, tasks], (i, j) => i === j ? 1 : 0)
  const squares = g.sum(g.mul(products, identity), [0], true)
  const order = ranks(g, tasks)
  let coefficients = identity
  for (let place = 0; place < tasks - 1; place++) {
    const chosen = g.equal(order, g.fill(place))
    const along = g.sum(g.mul(g.matmul(coefficients, products), chosen), [1], true)
    const size = g.max(g.sum(g.mul(squares, chosen), [1], true), g.fill(1e-30))
    coefficients = g.sub(coefficients, g.mul(g.div(g.min(along, g.fill(0)), size), chosen))
  }
  const sums = g.sum(coefficients, [0])
  const factors = losses.map((_, task) => g.reshape(g.slice(sums, [task], [task + 1]), []))
  const gradients = combine(builder, found, (task, shared) => shared ? factors[task] : undefined)
  return { gradients, moments: [], weights: losses.map(({ task, weight }, i) => [`weight/${task}`, g.scale(factors[i], weight)] as const) }
}

/** Gradients of `parameters` as the strategy makes them of those of the tasks. `total`: the sum of the losses, with the factors of the strategy where it has any. */
export const weighGradients = (builder: Builder, strategy: GradientStrategy, losses: readonly WeightedLoss[], total: ValueId, parameters: readonly ProgramInput[], origin: Origin): WeighedGradients =>
  strategy.kind === 'gradnorm' ? gradnorm(builder, strategy, losses, total, parameters, origin) : pcgrad(builder, losses, parameters, origin)
