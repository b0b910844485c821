// Optimisers, groups, schedules, clipping, accumulation and averages over twenty steps, each against a reference written out in plain arithmetic.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import type { GroupSpec, OptimiserSpec, TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { uniform } from '../rules/gradient-cases.ts'

const [rows, inputs, hidden, outputs, steps] = [8, 3, 4, 2, 20]
const draw = uniform(11)
const random = (n: number, size = 1): number[] => Array.from({ length: n }, () => size * (2 * draw() - 1))
/** The batch of each step: another one each time. */
const batches = Array.from({ length: steps }, () => ({ x: random(rows * inputs), t: random(rows * outputs, 2) }))
const sizes = { 'stem.weight': inputs * hidden, 'stem.bias': hidden, 'head.fc.weight': hidden * outputs, 'head.fc.bias': outputs } as const
type Name = keyof typeof sizes
const names = Object.keys(sizes) as Name[]
type Parameters = Record<Name, number[]>
const start = Object.fromEntries(names.map(n => [n, random(sizes[n])])) as Parameters

/** mean((tanh(x W + b) V + c - t)^2) over a batch of n rows. */
function network(n: number): Program {
  const builder = new Builder()
  const at = (path: string) => ({ path, span: undefined, phase: 'forward' }) as const
  const g = new Emitter(builder, at(''))
  const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const
  const parameter = (name: Name, ...shape: number[]) => builder.input(name, 'parameter', f32(...shape), at(name.slice(0, name.lastIndexOf('.'))), { kind: 'constant', value: 0 })
  const x = builder.input('image', 'input', f32(n, inputs), at(''))
  const t = builder.input('target/fit/y', 'target', f32(n, outputs), at(''))
  const [w, b, v, c] = [parameter('stem.weight', inputs, hidden), parameter('stem.bias', hidden), parameter('head.fc.weight', hidden, outputs), parameter('head.fc.bias', outputs)]
  const h = g.op('tanh', [g.add(g.matmul(x, w), b)], {})
  const error = g.sub(g.add(g.matmul(h, v), c), t)
  const loss = g.mean(g.square(error), [0, 1])
  builder.output('fit', 'prediction', error)
  builder.output('loss', 'loss', loss)
  return builder.finish('Network')
}

/** Its gradient by hand. */
function gradientOf(p: Parameters, { x, t }: { x: readonly number[]; t: readonly number[] }): Parameters {
  const d = Object.fromEntries(names.map(n => [n, p[n].map(() => 0)])) as Parameters
  const n = x.length / inputs
  for (let r = 0; r < n; r++) {
    const h = p['stem.bias'].map((b, j) => { let z = b; for (let i = 0; i < inputs; i++) z += x[r * inputs + i] * p['stem.weight'][i * hidden + j]; return Math.tanh(z) })
    const dh = h.map(() => 0)
    for (let o = 0; o < outputs; o++) {
      let e = p['head.fc.bias'][o] - t[r * outputs + o]
      for (let j = 0; j < hidden; j++) e += h[j] * p['head.fc.weight'][j * outputs + o]
      const de = 2 * e / (n * outputs)
      d['head.fc.bias'][o] += de
      for (let j = 0; j < hidden; j++) { d['head.fc.weight'][j * outputs + o] += de * h[j]; dh[j] += de * p['head.fc.weight'][j * outputs + o] }
    }
    for (let j = 0; j < hidden; j++) {
      const dz = dh[j] * (1 - h[j] ** 2)
      d['stem.bias'][j] += dz
      for (let i = 0; i < inputs; i++) d['stem.weight'][i * hidden + j] += dz * x[r * inputs + i]
    }
  }
  return d
}

const base: TrainSpec = {
  optimizer: { kind: 'sgd', lr: 0.1, momentum: 0, weightDecay: 0 }, schedule: { kind: 'constant' }, clipNorm: undefined, batch: rows, steps, seed: 0, logEvery: 1, checkpointEvery: 1,
  keep: 1, evalEvery: undefined, evalImages: 0, best: undefined, earlyStop: undefined, onNonfinite: 'stop', onError: 'stop',
}
const group = (paths: string[], settings: Partial<GroupSpec>): GroupSpec => ({ paths, lr: undefined, weightDecay: undefined, frozen: undefined, ...settings })

/** What the text asks for, said once more for the reference: by parameter. */
interface Expected { readonly lr?: (step: number) => number; readonly factor?: Partial<Record<Name, number>>; readonly decay?: Partial<Record<Name, number>>; readonly frozen?: readonly Name[] }

/** Parameters (and their averages) after `steps` steps. */
function reference(train: TrainSpec, expected: Expected): { readonly parameters: Parameters; readonly averages: Parameters } {
  const o: OptimiserSpec = train.optimizer
  const p = structuredClone(start), m = structuredClone(start), v = structuredClone(start)
  let average = structuredClone(start)
  for (const n of names) { m[n].fill(0); v[n].fill(0) }
  for (let k = 0; k < steps; k++) {
    const gradient = gradientOf(p, batches[k])
    const moving = names.filter(n => !expected.frozen?.includes(n))
    const norm = Math.hypot(...moving.flatMap(n => gradient[n]))
    const scale = train.clipNorm === undefined ? 1 : Math.min(1, train.clipNorm / (norm + 1e-6))
    for (const n of moving) for (let i = 0; i < p[n].length; i++) {
      const lr = (expected.lr?.(k) ?? o.lr) * (expected.factor?.[n] ?? 1)
      const decay = expected.decay?.[n] ?? o.weightDecay
      let d = gradient[n][i] * scale
      if (train.clipValue !== undefined) d = Math.min(train.clipValue, Math.max(-train.clipValue, d))
      if (o.kind !== 'adamw') d += decay * p[n][i]
      if (o.kind === 'sgd') {
        m[n][i] = o.momentum * m[n][i] + d
        p[n][i] -= lr * (o.nesterov === true ? d + o.momentum * m[n][i] : m[n][i])
        continue
      }
      m[n][i] = o.beta1 * m[n][i] + (1 - o.beta1) * d
      v[n][i] = o.beta2 * v[n][i] + (1 - o.beta2) * d ** 2
      if (o.kind === 'adamw') p[n][i] -= lr * decay * p[n][i]
      p[n][i] -= lr * (m[n][i] / (1 - o.beta1 ** (k + 1))) / (Math.sqrt(v[n][i] / (1 - o.beta2 ** (k + 1))) + o.eps)
    }
    const decay = k === 0 ? 0 : train.ema?.decay ?? 0
    average = Object.fromEntries(names.map(n => [n, p[n].map((w, i) => decay * average[n][i] + (1 - decay) * w)])) as Parameters
  }
  return { parameters: p, averages: average }
}

/** The state after `steps` steps of the compiled program. */
function run(train: TrainSpec): { readonly program: Program; readonly state: Record<string, Float64Array> } {
  const passes = train.accumulate ?? 1
  const program = optimise(buildTrainingStep({ mode: 'train', program: network(rows / passes), train }), { differentiated: true })
  verify(program)
  let state: Record<string, Float64Array> = Object.fromEntries(names.map(n => [n, Float64Array.from(start[n])]))
  for (const i of program.inputs) if (i.role === 'moment') state[i.name] = new Float64Array(i.type.shape.reduce((n, d) => n * d, 1))
  for (let k = 0; k < steps; k++) for (let pass = 0; pass < passes; pass++) {
    const part = (all: readonly number[]): Float64Array => Float64Array.from(all.slice(pass * all.length / passes, (pass + 1) * all.length / passes))
    const scalars = Object.fromEntries(Object.entries(optimiserScalars(train, k, pass)).map(([name, value]) => [name, Float64Array.of(value)]))
    const { outputs: out } = interpret(program, { image: part(batches[k].x), 'target/fit/y': part(batches[k].t), ...state, ...scalars })
    const before = state
    state = { ...state, ...Object.fromEntries(Object.entries(out).map(([name, value]) => [name, Float64Array.from(value.data)])) }
    if (pass < passes - 1) for (const name of Object.keys(before)) if (!name.startsWith('accumulated/') && name in sizes) expect(state[name]).toEqual(before[name])
  }
  return { program, state }
}

const adamw: OptimiserSpec = { kind: 'adamw', lr: 0.02, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.05 }
const adam: OptimiserSpec = { kind: 'adam', lr: 0.02, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0 }
const momentum: OptimiserSpec = { kind: 'sgd', lr: 0.05, momentum: 0.9, weightDecay: 0.01 }

const recipes: readonly (readonly [string, Partial<TrainSpec>, Expected])[] = [
  ['sgd', {}, {}],
  ['momentum and weight decay', { optimizer: momentum }, {}],
  ['nesterov', { optimizer: { ...momentum, nesterov: true } }, {}],
  ['adam', { optimizer: adam }, {}],
  ['adam with weight decay in the gradient', { optimizer: { ...adam, weightDecay: 0.1 } }, {}],
  ['adamw', { optimizer: adamw }, {}],
  ['clipping by norm', { optimizer: momentum, clipNorm: 0.3 }, {}],
  ['clipping by value', { optimizer: momentum, clipValue: 0.05 }, {}],
  ['both, and adam', { optimizer: adam, clipNorm: 0.3, clipValue: 0.05 }, {}],
  ['groups: rates', { optimizer: adam, groups: [group(['head'], { lr: 3 }), group(['**.bias'], { lr: 0.5 })] }, { factor: { 'head.fc.weight': 3, 'head.fc.bias': 3, 'stem.bias': 0.5 } }],
  ['groups: decay', { optimizer: adamw, groups: [group(['**.bias'], { weightDecay: 0 }), group(['head.*'], { lr: 2, weightDecay: 0.3 })] }, { factor: { 'head.fc.weight': 2, 'head.fc.bias': 2 }, decay: { 'stem.bias': 0, 'head.fc.bias': 0, 'head.fc.weight': 0.3 } }],
  ['groups: decay in the gradient', { optimizer: momentum, groups: [group(['stem.weight'], { weightDecay: 0 })] }, { decay: { 'stem.weight': 0 } }],
  ['groups: frozen', { optimizer: momentum, clipNorm: 0.3, groups: [group(['stem'], { frozen: true })] }, { frozen: ['stem.weight', 'stem.bias'] }],
  ['warm-up, then cosine', { optimizer: momentum, schedule: { kind: 'sequence', parts: [{ schedule: { kind: 'warmup', from: 0.1 }, steps: 5 }, { schedule: { kind: 'cosine', final: 0.001 }, steps: undefined }] } },
    { lr: k => k < 5 ? 0.05 * (0.1 + 0.9 * (k + 1) / 5) : 0.001 + 0.049 * 0.5 * (1 + Math.cos(Math.PI * (k - 5) / 15)) }],
  ['poly for a while, then a constant', { schedule: { kind: 'sequence', parts: [{ schedule: { kind: 'poly', power: 2 }, steps: 8 }, { schedule: { kind: 'constant' }, steps: undefined }] } }, { lr: k => k < 8 ? 0.1 * (1 - k / 8) ** 2 : 0.1 }],
  ['an average', { optimizer: adam, ema: { decay: 0.8, evaluate: true } }, {}],
  ['accumulation: sgd', { accumulate: 4 }, {}],
  ['accumulation: momentum, nesterov, clipping', { optimizer: { ...momentum, nesterov: true }, accumulate: 4, clipNorm: 0.3 }, {}],
  ['accumulation: adam, clipping, an average', { optimizer: adam, accumulate: 2, clipNorm: 0.3, ema: { decay: 0.8, evaluate: true } }, {}],
  ['all at once', { optimizer: adamw, accumulate: 4, clipNorm: 0.3, clipValue: 0.05, ema: { decay: 0.8, evaluate: true }, groups: [group(['**.bias'], { weightDecay: 0 }), group(['head.fc.bias'], { frozen: true })] }, { decay: { 'stem.bias': 0 }, frozen: ['head.fc.bias'] }],
]

describe('twenty steps of', () => {
  it.each(recipes)('%s', (_, settings, expected) => {
    const train = { ...base, ...settings }
    const { state } = run(train)
    const { parameters, averages } = reference(train, expected)
    const differences = names.flatMap(n => [...state[n]].map((w, i) => Math.abs(w - parameters[n][i])))
    expect(Math.max(...differences)).toBeLessThan(1e-12)
    if (train.ema !== undefined) for (const n of names) if (expected.frozen?.includes(n) !== true) state[`ema/${n}`].forEach((w, i) => expect(w).toBeCloseTo(averages[n][i], 12))
  })
})

describe('a frozen parameter', () => {
  const train = { ...base, optimizer: adam, ema: { decay: 0.9, evaluate: true }, accumulate: 2, groups: [group(['stem'], { frozen: true })] }
  const { program } = run(train)

  it('has no moments, no average and no next value', () => {
    expect(program.inputs.filter(i => i.role === 'moment').map(i => i.name)).toEqual(['accumulated/head.fc.bias', 'accumulated/head.fc.weight', 'adam.m/head.fc.weight', 'adam.v/head.fc.weight', 'adam.m/head.fc.bias', 'adam.v/head.fc.bias', 'ema/head.fc.weight', 'ema/head.fc.bias'])
    expect(program.outputs.filter(o => o.role === 'parameter').map(o => o.name)).toEqual(['head.fc.weight', 'head.fc.bias'])
  })
  it('costs no backward pass', () => expect(program.nodes.filter(n => n.origin.phase === 'backward' && n.origin.path.startsWith('stem'))).toEqual([]))
})
