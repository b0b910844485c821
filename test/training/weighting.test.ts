// Strategies that weigh the losses of tasks, each against the arithmetic of its paper on a network small enough for closed forms.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { weighLosses } from '../../src/compiler/semantics/models-weighting.ts'
import type { TaskSpec, TrainSpec, WeightingSpec } from '../../src/compiler/tasks/spec.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { uniform } from '../rules/gradient-cases.ts'

const span = { file: 'a.mtl', start: 0, end: 0 }
const size = 5
const weights = [2, 0.5, 1]
const names = ['a', 'b', 'c']
const draw = uniform(3)
const vector = (): number[] => Array.from({ length: size }, () => 2 * draw() - 1)
const [start, head] = [vector(), 0.3]
const targets = names.map(vector)
const scales = names.map(vector)

/** Task i: 0.5 |scale_i * shared - target_i|^2, the first with a parameter of its own added to every element. */
function network(weighting: WeightingSpec | undefined, tasks: number): Program {
  const builder = new Builder()
  const g = new Emitter(builder, { path: '', span: undefined, phase: 'forward' })
  const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const
  const shared = builder.input('trunk.shared', 'parameter', f32(size), { path: 'trunk', span: undefined, phase: 'forward' }, { kind: 'constant', value: 0 })
  const own = builder.input('heads.a.own', 'parameter', f32(), { path: 'heads.a', span: undefined, phase: 'forward' }, { kind: 'constant', value: 0 })
  const losses = names.slice(0, tasks).map((name, i) => {
    const target = builder.input(`target/${name}/t`, 'target', f32(size), g.origin), scale = builder.input(`target/${name}/s`, 'target', f32(size), g.origin)
    const y = g.mul(scale, shared)
    const loss = g.scale(g.sum(g.square(g.sub(i === 0 ? g.add(y, own) : y, target)), [0]), 0.5)
    builder.output(`loss/${name}`, 'loss', loss)
    return { name, weight: weights[i], weighted: g.scale(loss, weights[i]), span }
  })
  builder.output('loss', 'loss', weighLosses(builder, losses, weighting, span))
  return builder.finish('Network')
}

interface Numbers { readonly losses: readonly number[]; /** of the weighted losses: by task, on the shared parameters */ readonly shared: readonly (readonly number[])[]; /** of the first weighted loss */ readonly own: number }

function byHand(shared: readonly number[], own: number, tasks: number): Numbers {
  const errors = names.slice(0, tasks).map((_, i) => shared.map((w, k) => scales[i][k] * w + (i === 0 ? own : 0) - targets[i][k]))
  return { losses: errors.map(e => e.reduce((n, d) => n + 0.5 * d * d, 0)), shared: errors.map((e, i) => e.map((d, k) => weights[i] * d * scales[i][k])), own: weights[0] * errors[0].reduce((n, d) => n + d, 0) }
}

const lr = 0.01
const spec = (weighting: WeightingSpec | undefined, more: Partial<TrainSpec> = {}): TrainSpec => ({
  optimizer: { kind: 'sgd', lr, momentum: 0, weightDecay: 0.1 }, schedule: { kind: 'constant' }, weighting, clipNorm: undefined, batch: 1, steps: 20, seed: 0, logEvery: 1, checkpointEvery: 1,
  keep: 1, evalEvery: undefined, evalImages: 0, best: undefined, earlyStop: undefined, onNonfinite: 'stop', onError: 'stop', ...more,
})

type State = Record<string, Float64Array>
interface Runner { readonly program: Program; state: State; step(k: number, feeds?: State): Record<string, number> }

function runner(weighting: WeightingSpec | undefined, tasks: number, more: Partial<TrainSpec> = {}): Runner {
  const train = { ...spec(weighting, more), optimizer: { kind: 'sgd', lr, momentum: 0, weightDecay: 0 } } as TrainSpec
  const specs = names.map((name, i) => ({ name, weight: weights[i] })) as unknown as TaskSpec[]
  const program = optimise(buildTrainingStep({ mode: 'train', program: network(weighting, tasks), train, tasks: specs }), { differentiated: true })
  verify(program)
  const fixed = Object.fromEntries(names.flatMap((name, i) => [[`target/${name}/t`, Float64Array.from(targets[i])], [`target/${name}/s`, Float64Array.from(scales[i])]]))
  const state: State = Object.fromEntries(program.inputs.filter(i => i.role === 'moment' || i.role === 'parameter').map(i => [i.name, Float64Array.of(i.init?.kind === 'constant' ? i.init.value : 0)]))
  const self: Runner = {
    program, state: { ...state, 'trunk.shared': Float64Array.from(start), 'heads.a.own': Float64Array.of(head) },
    step: (k, feeds = {}) => {
      const scalars = Object.fromEntries(Object.entries(optimiserScalars(train, k)).map(([name, v]) => [name, Float64Array.of(v)]))
      const { outputs } = interpret(program, { ...fixed, ...self.state, ...scalars, ...feeds })
      const values = Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, Float64Array.from(v.data)]))
      self.state = { ...self.state, ...values }
      return Object.fromEntries(Object.entries(values).map(([name, v]) => [name, v[0]]))
    },
  }
  return self
}

const close = (actual: ArrayLike<number>, expected: readonly number[]): void => expected.forEach((v, i) => expect(actual[i]).toBeCloseTo(v, 12))
const bounds = [0.01, 100] as const
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((n, v, i) => n + v * b[i], 0)

it('uncertainty learns a variance per task', () => {
  const run = runner({ kind: 'uncertainty', bounds }, 3, { clipNorm: 1e9 })
  let [shared, own, s] = [[...start], head, [0, 0, 0]]
  for (let k = 0; k < 20; k++) {
    const { losses, shared: gradients, own: ownGradient } = byHand(shared, own, 3)
    const out = run.step(k)
    expect(out.loss).toBeCloseTo(s.reduce((n, v, i) => n + Math.exp(-v) * weights[i] * losses[i] + v / 2, 0), 12)
    names.forEach((name, i) => expect(out[`weight/${name}`]).toBeCloseTo(weights[i] * Math.exp(-s[i]), 12))
    // The norm is that of the network: variances are apart.
    expect(out.grad_norm).toBeCloseTo(Math.hypot(...shared.map((_, j) => gradients.reduce((n, d, i) => n + Math.exp(-s[i]) * d[j], 0)), Math.exp(-s[0]) * ownGradient), 10)
    shared = shared.map((w, j) => w - lr * gradients.reduce((n, d, i) => n + Math.exp(-s[i]) * d[j], 0))
    own -= lr * Math.exp(-s[0]) * ownGradient
    s = s.map((v, i) => v - lr * (0.5 - Math.exp(-v) * weights[i] * losses[i]))
    close(run.state['trunk.shared'], shared)
    close(run.state['heads.a.own'], [own])
    names.forEach((name, i) => close(run.state[`log_variance.${name}`], [s[i]]))
  }
})

it('at the best variance the weight is half the inverse of the loss', () => {
  const run = runner({ kind: 'uncertainty', bounds }, 1, { groups: [{ paths: ['trunk', 'heads'], frozen: true, lr: undefined, weightDecay: undefined }, { paths: ['log_variance'], lr: 20, frozen: undefined, weightDecay: undefined }] })
  let out: Record<string, number> = {}
  for (let k = 0; k < 400; k++) out = run.step(k)
  expect(out['weight/a']).toBeCloseTo(1 / (2 * byHand(start, head, 1).losses[0]), 9)
})

it('dwa multiplies with the factors that it is fed', () => {
  const run = runner({ kind: 'dwa', bounds, temperature: 2, every: 1 }, 2)
  const { shared, own } = byHand(start, head, 2)
  const out = run.step(0, { 'scalar/weight/a': Float64Array.of(0.7), 'scalar/weight/b': Float64Array.of(1.3) })
  expect([out['weight/a'], out['weight/b']]).toEqual([0.7 * weights[0], 1.3 * weights[1]])
  close(run.state['trunk.shared'], start.map((w, j) => w - lr * (0.7 * shared[0][j] + 1.3 * shared[1][j])))
  close(run.state['heads.a.own'], [head - lr * 0.7 * own])
})

describe('gradnorm', () => {
  it.each([['all shared parameters', undefined], ['a pattern', ['trunk.*']]])('moves the factors over %s', (_, at) => {
    const [alpha, rate] = [1.5, 0.025]
    const run = runner({ kind: 'gradnorm', bounds, alpha, lr: rate, at }, 3)
    let [shared, own, v] = [[...start], head, [1, 1, 1]]
    const first = byHand(shared, own, 3).losses
    for (let k = 0; k < 20; k++) {
      const { losses, shared: gradients, own: ownGradient } = byHand(shared, own, 3)
      const out = run.step(k)
      names.forEach((name, i) => expect(out[`weight/${name}`]).toBeCloseTo(weights[i] * v[i], 12))
      shared = shared.map((w, j) => w - lr * gradients.reduce((n, d, i) => n + v[i] * d[j], 0))
      own -= lr * v[0] * ownGradient
      const norms = gradients.map(d => Math.hypot(...d)), G = norms.map((n, i) => n * v[i]), mean = (G[0] + G[1] + G[2]) / 3
      const left = losses.map((l, i) => l / first[i]), meanLeft = (left[0] + left[1] + left[2]) / 3
      const moved = v.map((f, i) => Math.max(1e-3, f - rate * Math.sign(G[i] - mean * (left[i] / meanLeft) ** alpha) * norms[i] / mean))
      v = moved.map(f => f * 3 / (moved[0] + moved[1] + moved[2]))
      close(run.state['trunk.shared'], shared)
      close(run.state['heads.a.own'], [own])
    }
    expect(v[0]).toBeLessThan(v[1])
  })
})

describe('pcgrad', () => {
  /** Algorithm 1, with the order of the other tasks given. */
  const projected = (gradients: readonly (readonly number[])[], orders: readonly (readonly number[])[]): number[] => {
    const changed = gradients.map((gradient, i) => {
      let g = [...gradient]
      for (const j of orders[i]) { const along = dot(g, gradients[j]); if (along < 0) g = g.map((v, k) => v - along / dot(gradients[j], gradients[j]) * gradients[j][k]) }
      return g
    })
    return changed[0].map((_, k) => changed.reduce((n, g) => n + g[k], 0))
  }

  it.each([[2, undefined, [[1], [0]]], [3, [9, 0.1, 0.2, 0.5, 9, 0.4, 0.3, 0.3, 9], [[1, 2], [2, 0], [0, 1]]], [3, [9, 0.6, 0.2, 0.5, 9, 0.9, 0.8, 0.3, 9], [[2, 1], [0, 2], [1, 0]]]] as const)('takes away what is against other tasks, %i tasks', (tasks, drawn, orders) => {
    const run = runner({ kind: 'pcgrad', bounds }, tasks)
    const { shared, own } = byHand(start, head, tasks)
    expect(shared.some((a, i) => shared.some((b, j) => i < j && dot(a, b) < 0))).toBe(true)
    const out = run.step(0, drawn === undefined ? {} : { 'random/pcgrad': Float64Array.from(drawn) })
    close(run.state['trunk.shared'], projected(shared, orders).map((d, k) => start[k] - lr * d))
    close(run.state['heads.a.own'], [head - lr * own])
    // What is logged is what the gradients were multiplied with.
    const sum = start.map((w, k) => (w - run.state['trunk.shared'][k]) / lr)
    close(sum, start.map((_, k) => shared.reduce((n, d, i) => n + out[`weight/${names[i]}`] / weights[i] * d[k], 0)))
  })

  it('leaves gradients that agree as they are', () => {
    const run = runner({ kind: 'pcgrad', bounds }, 1)
    const { shared } = byHand(start, head, 1)
    run.step(0)
    close(run.state['trunk.shared'], start.map((w, k) => w - lr * shared[0][k]))
  })
})

it('fixed weights add nothing to the program', () => {
  const { program } = runner(undefined, 3)
  expect(program.outputs.map(o => o.name).filter(n => n.startsWith('weight'))).toEqual([])
  expect(program.inputs.map(i => i.role).filter(r => r === 'moment')).toEqual([])
})
