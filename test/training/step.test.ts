// The training step as a whole: several steps against a plain reference, and what is among its inputs and outputs.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Origin, Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep, unreachedParameters } from '../../src/compiler/training/step.ts'
import { uniform } from '../rules/gradient-cases.ts'
import { runSpec } from '../support/train-spec.ts'

const origin: Origin = { path: '', span: undefined, phase: 'forward' }
const f32 = (...shape: number[]): { dtype: 'float32'; shape: number[] } => ({ dtype: 'float32', shape })
const [rows, inputs, outputs] = [4, 3, 2]

/** loss = mean((x w + b - t)^2) * 10; a parameter that the loss does not depend on; a running mean. */
function linearModel(): Program {
  const builder = new Builder()
  const g = new Emitter(builder, origin)
  const x = builder.input('image', 'input', f32(rows, inputs), origin)
  const t = builder.input('target/fit/y', 'target', f32(rows, outputs), origin)
  const w = builder.input('fc.weight', 'parameter', f32(inputs, outputs), origin, { kind: 'constant', value: 0 })
  const b = builder.input('fc.bias', 'parameter', f32(outputs), origin, { kind: 'constant', value: 0 })
  builder.input('spare.weight', 'parameter', f32(2), origin, { kind: 'constant', value: 1 })
  const running = builder.input('norm.mean', 'state', f32(outputs), origin, { kind: 'constant', value: 0 })
  const y = g.add(g.matmul(x, w), b)
  const loss = g.scale(g.mean(g.square(g.sub(y, t)), [0, 1]), 10)
  builder.output('fit', 'prediction', y)
  builder.output('loss', 'loss', loss)
  builder.output('loss/fit', 'loss', loss)
  builder.output('norm.mean', 'state', g.add(g.scale(running, 0.9), g.scale(g.mean(y, [0]), 0.1)))
  return builder.finish('Linear')
}

const spec = (part: Partial<TrainSpec>): TrainSpec =>
  ({ optimizer: { kind: 'sgd', lr: 0.05, momentum: 0, weightDecay: 0 }, schedule: { kind: 'poly', power: 0.9 }, clipNorm: undefined, batch: rows, steps: 20, ...runSpec, ...part })
const step = (train: TrainSpec, options = {}): Program => {
  const program = buildTrainingStep({ mode: 'train', program: linearModel(), train }, options)
  verify(program)
  return program
}

const draw = uniform(5)
const random = (n: number): Float64Array => Float64Array.from({ length: n }, () => 2 * draw() - 1)
const data = { image: random(rows * inputs), 'target/fit/y': random(rows * outputs) }
const start = { 'fc.weight': random(inputs * outputs), 'fc.bias': random(outputs) }

/** Loss and gradient of [weight, bias] in closed form. */
function reference(p: readonly number[]): { loss: number; gradient: number[] } {
  const gradient = p.map(() => 0)
  let loss = 0
  for (let r = 0; r < rows; r++) for (let o = 0; o < outputs; o++) {
    let e = p[inputs * outputs + o] - data['target/fit/y'][r * outputs + o]
    for (let i = 0; i < inputs; i++) e += data.image[r * inputs + i] * p[i * outputs + o]
    loss += 10 * e * e / (rows * outputs)
    const d = 20 * e / (rows * outputs)
    gradient[inputs * outputs + o] += d
    for (let i = 0; i < inputs; i++) gradient[i * outputs + o] += d * data.image[r * inputs + i]
  }
  return { loss, gradient }
}

const trains: readonly [string, TrainSpec][] = [
  ['sgd', spec({})],
  ['sgd with momentum, decay and clipping', spec({ optimizer: { kind: 'sgd', lr: 0.05, momentum: 0.9, weightDecay: 0.01 }, clipNorm: 0.5 })],
  ['adam', spec({ optimizer: { kind: 'adam', lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } })],
  ['adam with decay, a large eps and clipping', spec({ optimizer: { kind: 'adam', lr: 0.1, beta1: 0.8, beta2: 0.95, eps: 0.1, weightDecay: 0.1 }, clipNorm: 3 })],
]

describe('six steps of', () => {
  it.each(trains)('%s', (_, train) => {
    const program = step(train)
    let state: Record<string, Float64Array> = { ...start, 'norm.mean': new Float64Array(outputs) }
    for (const i of program.inputs) if (i.role === 'moment') state[i.name] = new Float64Array(i.type.shape.reduce((n, d) => n * d, 1))
    let p = [...start['fc.weight'], ...start['fc.bias']]
    let m = p.map(() => 0)
    let v = p.map(() => 0)
    for (let k = 0; k < 6; k++) {
      const scalars = Object.fromEntries(Object.entries(optimiserScalars(train, k)).map(([name, value]) => [name, Float64Array.of(value)]))
      const { outputs: out } = interpret(program, { ...data, ...state, ...scalars })
      state = Object.fromEntries(Object.entries(out).map(([name, value]) => [name, Float64Array.from(value.data)]))

      const { loss, gradient } = reference(p)
      const norm = Math.hypot(...gradient)
      const lr = train.optimizer.lr * (1 - k / train.steps) ** 0.9
      const factor = train.clipNorm === undefined ? 1 : Math.min(1, train.clipNorm / (norm + 1e-6))
      const g = gradient.map((d, i) => d * factor + train.optimizer.weightDecay * p[i])
      if (train.optimizer.kind === 'sgd') {
        const { momentum } = train.optimizer
        m = m.map((b, i) => momentum * b + g[i])
        p = p.map((w, i) => w - lr * m[i])
      } else {
        const { beta1, beta2, eps } = train.optimizer
        m = m.map((a, i) => beta1 * a + (1 - beta1) * g[i])
        v = v.map((a, i) => beta2 * a + (1 - beta2) * g[i] ** 2)
        p = p.map((w, i) => w - lr * (m[i] / (1 - beta1 ** (k + 1))) / (Math.sqrt(v[i] / (1 - beta2 ** (k + 1))) + eps))
      }
      const actual = [...state['fc.weight'], ...state['fc.bias']]
      actual.forEach((w, i) => expect(w).toBeCloseTo(p[i], 12))
      expect(state.loss[0]).toBeCloseTo(loss, 12)
      expect(state.grad_norm[0]).toBeCloseTo(norm, 12)
    }
  })
})

describe('buildTrainingStep', () => {
  const adam = trains[2][1]
  const names = (program: Program): string[] => program.outputs.map(o => `${o.role} ${o.name}`)

  it('has the next value of what training changes among its outputs', () => {
    expect(names(step(adam))).toEqual([
      'loss loss', 'loss loss/fit', 'state norm.mean', 'metric grad_norm', 'parameter fc.weight', 'parameter fc.bias',
      'moment adam.m/fc.weight', 'moment adam.v/fc.weight', 'moment adam.m/fc.bias', 'moment adam.v/fc.bias',
    ])
  })

  it('has the scalars and moments among its inputs', () => {
    expect(step(adam).inputs.slice(6).map(i => `${i.role} ${i.name}`)).toEqual([
      'scalar scalar/step_size', 'scalar scalar/bias2_scale', 'moment adam.m/fc.weight', 'moment adam.v/fc.weight', 'moment adam.m/fc.bias', 'moment adam.v/fc.bias',
    ])
    expect(step(trains[1][1]).inputs.slice(6).map(i => i.name)).toEqual(['scalar/lr', 'sgd.momentum/fc.weight', 'sgd.momentum/fc.bias'])
    expect(step(adam).inputs.filter(i => i.role === 'moment').every(i => i.init?.kind === 'constant' && i.init.value === 0)).toBe(true)
    expect(Object.keys(optimiserScalars(adam, 0))).toEqual(['scalar/step_size', 'scalar/bias2_scale'])
  })

  it('gives predictions and unclipped gradients where they are asked for', () => {
    expect(names(step(spec({ clipNorm: 1e-3 }), { predictions: true }))).toContain('prediction fit')
    const program = step(spec({ clipNorm: 1e-3 }), { gradients: true })
    const { outputs: out } = interpret(program, { ...data, ...start, 'spare.weight': random(2), 'norm.mean': random(2), 'scalar/lr': Float64Array.of(0.1) })
    const { gradient } = reference([...start['fc.weight'], ...start['fc.bias']])
    const actual = [...out['grad/fc.weight'].data, ...out['grad/fc.bias'].data]
    actual.forEach((d, i) => expect(d).toBeCloseTo(gradient[i], 12))
    expect([...out['grad/spare.weight'].data]).toEqual([0, 0])
  })

  it('names the parameters that the loss does not depend on', () => {
    expect(unreachedParameters({ mode: 'train', program: linearModel(), train: adam })).toEqual(['spare.weight'])
  })

  it('gives the same numbers whether or not the forward program is optimised first', () => {
    const feeds = { ...data, ...start, 'spare.weight': random(2), 'norm.mean': random(2), 'scalar/lr': Float64Array.of(0.1) }
    const [plain, optimised] = [false, true].map(optimise => interpret(step(spec({ clipNorm: 1 }), { optimise }), feeds).outputs)
    expect(Object.keys(optimised)).toEqual(Object.keys(plain))
    for (const name of Object.keys(plain)) plain[name].data.forEach((d, i) => expect(optimised[name].data[i]).toBeCloseTo(d, 12))
  })

  it('leaves the program of the model as it was', () => {
    const program = linearModel()
    const before = program.nodes.length
    buildTrainingStep({ mode: 'train', program, train: adam })
    expect(program.nodes.length).toBe(before)
    expect(program.inputs.length).toBe(6)
  })

  it('refuses a model elaborated for inference', () => {
    expect(() => buildTrainingStep({ mode: 'infer', program: linearModel(), train: adam })).toThrow('internal: Linear was not elaborated for training')
  })
})
