// Gradients that are computed right before their updates: which they are, their norms, and the same step as without.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Origin, Program, ValueId } from '../../src/compiler/ir/program.ts'
import { sizeOf, type Shape, type TensorData } from '../../src/compiler/ir/types.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { planMemory } from '../../src/compiler/memory/plan.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { deferGradients } from '../../src/compiler/training/deferred.ts'
import { squaredNorm, type Product } from '../../src/compiler/training/gram.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { uniform } from '../rules/gradient-cases.ts'
import { runSpec } from '../support/train-spec.ts'

const origin = (path: string): Origin => ({ path, span: undefined, phase: 'forward' })
const f32 = (shape: Shape): { dtype: 'float32'; shape: Shape } => ({ dtype: 'float32', shape })
const draw = uniform(11)
const random = (shape: Shape, low = -1, high = 1): TensorData => ({ ...f32(shape), data: Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * draw()) })

describe('the squared norm of a product from Gram matrices', () => {
  const check = (product: Product<Shape>): void => {
    const b = new Builder(), g = new Emitter(b, origin(''))
    const [left, right] = [b.input('a', 'input', f32(product.left), origin('')), b.input('b', 'input', f32(product.right), origin(''))]
    const made = b.emit(product.op, [left, right], product.attrs as never, origin(''))
    b.output('plain', 'tap', g.sum(g.square(g.reshape(made, [sizeOf(g.shape(made))])), [0], true))
    b.output('gram', 'tap', squaredNorm(g, { ...product, left, right }))
    const { outputs } = interpret(b.finish('p'), { a: random(product.left), b: random(product.right) })
    expect(Math.abs(outputs.gram.data[0] - outputs.plain.data[0])).toBeLessThan(1e-9 * Math.max(1, outputs.plain.data[0]))
  }
  const size = fc.integer({ min: 1, max: 5 })

  it('of matrices, in each arrangement', () => {
    fc.assert(fc.property(size, size, size, fc.boolean(), fc.boolean(), fc.constantFrom(1, -0.5, 3), fc.boolean(), (n, k, m, transA, transB, alpha, batched) => {
      const lead = batched ? [1, 1] : []
      check({ op: 'matmul', attrs: { transA, transB, alpha }, left: [...lead, ...(transA ? [n, k] : [k, n])], right: [...lead, ...(transB ? [m, n] : [n, m])] })
    }), { seed: 1, numRuns: 60 })
  })

  it('of convolutions with strides, padding and dilation, of several samples', () => {
    const pair = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })), pads = fc.integer({ min: 0, max: 2 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), size, size, pair, pair, pair, pads, pads, pads, pads, pair, (batch, channels, outputs, kernel, stride, dilation, top, left, bottom, right, places) => {
      const [height, width] = [0, 1].map(i => (places[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - (i === 0 ? top + bottom : left + right))
      fc.pre(height > 0 && width > 0)
      check({ op: 'conv2dWeightGrad', attrs: { stride, dilation, pad: [top, left, bottom, right], groups: 1, kernel }, left: [batch, channels, height, width], right: [batch, outputs, ...places] })
    }), { seed: 2, numRuns: 60 })
  })
})

const train: TrainSpec = {
  optimizer: { kind: 'adam', lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, schedule: { kind: 'constant' }, clipNorm: 0.05, batch: 2, steps: 3, ...runSpec,
}

/**
 * Large layers on few rows: two convolutions (one in slices of its weight, put together by a concatenation), a linear layer with a transposed weight, one used twice, and two that must not wait: one with
 * more rows than columns, one whose weight also decays through the loss.
 */
function model(): { program: Program; feeds: Record<string, TensorData> } {
  const b = new Builder(), feeds: Record<string, TensorData> = {}
  const parameter = (name: string, shape: Shape): ValueId => {
    feeds[name] = random(shape, -0.08, 0.08)
    return b.input(name, 'parameter', f32(shape), origin(name.split('.')[0]), { kind: 'constant', value: 0 })
  }
  const on = (path: string): Emitter => new Emitter(b, origin(path))
  feeds.image = random([2, 64, 4, 3])
  const image = b.input('image', 'input', f32([2, 64, 4, 3]), origin(''))
  const conv = { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const
  const first = b.emit('conv2d', [image, parameter('first.weight', [64, 64, 3, 3])], conv, origin('first'))
  const active = b.emit('tanh', [first], {}, origin('first'))
  const weight = parameter('split.weight', [64, 64, 3, 3]), g = on('split')
  const halves = [0, 32].map(from => b.emit('conv2d', [g.slice(active, [0, from, 0, 0], [2, from + 32, 4, 3]), g.slice(weight, [0, from, 0, 0], [64, from + 32, 3, 3])], { ...conv, stride: [2, 1] }, origin('split')))
  const rows = g.reshape(g.transpose(g.add(halves[0], halves[1]), [0, 2, 3, 1]), [2, 6, 64])
  const wide = on('wide').matmul(rows, parameter('wide.weight', [640, 64]), { transB: true })
  const table = parameter('twice.weight', [640, 64])
  const once = on('twice').matmul(b.emit('tanh', [wide], {}, origin('wide')), table)
  const again = on('twice').matmul(on('twice').matmul(once, parameter('twice.up', [64, 640])), table)
  const long = on('long').matmul(on('long').reshape(on('long').broadcast(on('long').reshape(again, [1, 768]), [96, 768]), [96, 768]), parameter('long.weight', [768, 48]))
  const decaying = parameter('decay.weight', [48, 768])
  const y = on('decay').matmul(on('decay').reshape(on('decay').mean(long, [0]), [1, 48]), decaying)
  const loss = on('').add(on('').mean(on('').square(y), [0, 1]), on('decay').mean(on('decay').square(decaying), [0, 1]))
  b.output('loss', 'loss', loss)
  return { program: b.finish('Wide'), feeds }
}

const given = model()
const build = (options: object = {}): Program => optimise(buildTrainingStep({ mode: 'train', program: given.program, train }, options), { differentiated: true })
const step = build({ defer: 0.5 }), plain = build({ defer: 0 })
const moments = (program: Program): Record<string, TensorData> => Object.fromEntries(program.inputs.filter(i => i.role === 'moment').map(i => [i.name, random(i.type.shape, 0, 0.01)]))
const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(v) })
const feeds = { ...given.feeds, ...moments(step), 'scalar/step_size': scalar(0.01), 'scalar/bias2_scale': scalar(1.5) }
const waiting = (program: Program): Set<string> => new Set(program.nodes.filter(n => n.op === 'after').map(n => n.origin.path))

describe('a training step with gradients that wait', () => {
  it('has those wait whose operands are smaller, however they are put together', () => {
    verify(step)
    expect([...waiting(step)].sort()).toEqual(['first', 'split', 'twice', 'wide'])
    expect(waiting(plain).size).toBe(0)
    // The product exists once, and waits for the norm.
    const products = step.nodes.filter(n => n.op === 'conv2dWeightGrad' && n.origin.path === 'first')
    expect(products.length).toBe(1)
    const norm = step.outputs.find(o => o.name === 'grad_norm')!.value
    expect(step.nodes.find(n => n.id === products[0].inputs[0])).toMatchObject({ op: 'after', inputs: [expect.any(Number), norm] })
  })

  it('gives the same next values and norm', () => {
    const expected = interpret(plain, feeds).outputs, found = interpret(step, feeds).outputs
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort())
    for (const [name, { data }] of Object.entries(expected)) data.forEach((v, i) => { if (!(Math.abs(v - found[name].data[i]) < 1e-9 * Math.max(1, Math.abs(v)))) throw new Error(`${name}[${i}]: ${found[name].data[i]}, not ${v}`) })
  })

  it('puts a large gradient together behind the norm', () => {
    const b = new Builder(), g = new Emitter(b, origin('parts')), shape = [1100, 1000]
    const weight = b.input('parts.weight', 'parameter', f32(shape), origin('parts'), { kind: 'constant', value: 0 })
    const image = b.input('image', 'input', f32([1, 1000]), origin(''))
    const halves = [0, 550].map(from => g.slice(weight, [from, 0], [from + 550, 1000]))
    b.output('loss', 'loss', g.add(g.mean(g.square(g.mul(halves[0], image)), [0, 1]), g.mean(g.mul(halves[1], image), [0, 1])))
    const program = b.finish('Parts')
    const [at, whole] = [0.5, 0].map(defer => optimise(buildTrainingStep({ mode: 'train', program, train }, { defer }), { differentiated: true }))
    const concats = (p: Program): string[] => p.nodes.filter(n => n.op === 'concat' && sizeOf(n.type.shape) === sizeOf(shape)).map(n => n.origin.phase)
    expect([concats(at), concats(whole)]).toEqual([['update'], ['backward']])
    expect(at.nodes.find(n => n.op === 'concat' && n.origin.phase === 'update' && n.type.shape[0] === 1100)!.inputs.map(v => at.nodes.find(n => n.id === v)!.op)).toEqual(['after', 'after'])
    const values = { 'parts.weight': random(shape), image: random([1, 1000]), ...moments(at), 'scalar/step_size': scalar(0.01), 'scalar/bias2_scale': scalar(1.5) }
    const expected = interpret(whole, values).outputs, found = interpret(at, values).outputs
    for (const [name, { data }] of Object.entries(expected)) for (let i = 0; i < data.length; i += 97) if (!(Math.abs(data[i] - found[name].data[i]) < 1e-12)) throw new Error(`${name}[${i}]: ${found[name].data[i]}, not ${data[i]}`)
  })

  it('keeps the gradients that are asked for', () => {
    const names = (p: Program): string[] => p.outputs.filter(o => o.role === 'gradient').map(o => o.name)
    expect(waiting(build({ gradients: true })).size).toBe(0)
    const both = build({ gradients: true, defer: 0.5 })
    verify(both)
    expect(names(both)).toContain('grad/first.weight')
    expect(waiting(both).has('first')).toBe(true)
  })

  it('needs less memory', () => {
    expect(planMemory(step, 'compact').results).toBeLessThan(0.75 * planMemory(plain, 'compact').results)
  })

  it('says what is saved and what it costs', () => {
    const b = new Builder(), g = new Emitter(b, origin(''))
    const [x, dy] = [b.input('x', 'input', f32([16, 512]), origin('')), b.input('dy', 'input', f32([16, 256]), origin(''))]
    const [left, right] = [b.emit('tanh', [x], {}, origin('')), b.emit('tanh', [dy], {}, origin(''))]
    const gradient = g.matmul(left, right, { transA: true })
    const { deferred, saved, cost } = deferGradients(b, [gradient], 0.15)
    expect(deferred.size).toBe(1)
    expect(saved).toBe(4 * (512 * 256 - 16 * (512 + 256)))
    expect(cost).toBe(16 * 16 * (512 + 256) + 2 * 8 * 16 * 16)
    expect(deferGradients(b, [gradient], 0.05).deferred.size).toBe(0)
  })
})

describe('on the engine', () => {
  let engine: Engine
  beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
  afterAll(() => engine.close())

  it.each(['plain', 'compact'] as const)('three steps are the same (%s)', async memory => {
    const runs = await Promise.all([plain, step].map(async program => {
      const state = Object.fromEntries(program.inputs.filter(i => i.role === 'parameter' || i.role === 'moment').map(i => [i.name, feeds[i.name as keyof typeof feeds] as TensorData]))
      const session = await engine.open(program, state, { memory })
      const norms: number[] = []
      for (let i = 0; i < 3; i++) {
        const out = await session.run({ image: given.feeds.image, 'scalar/step_size': scalar(0.01), 'scalar/bias2_scale': scalar(1.5) })
        norms.push(out.grad_norm.data[0])
      }
      const after = await session.readState()
      await session.dispose()
      return { norms, after }
    }))
    runs[0].norms.forEach((v, i) => expect(Math.abs(runs[1].norms[i] / v - 1)).toBeLessThan(1e-6))
    for (const [name, { data }] of Object.entries(runs[0].after)) data.forEach((v, i) => { if (!(Math.abs(v - runs[1].after[name].data[i]) < 2e-6)) throw new Error(`${name}[${i}]: ${runs[1].after[name].data[i]}, not ${v}`) })
  })
})
