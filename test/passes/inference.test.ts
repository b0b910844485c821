// What follows from weights alone is computed apart, and norms go into convolutions: the predictions stay.
import { expect, it } from 'vitest'
import { interpret, toTensorData } from '../../src/compiler/ir/interpreter.ts'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { foldWeights, prepareWeights } from '../../src/compiler/passes/inference.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { feedsFor, origin } from '../ir/random-program.ts'

const count = (program: Program, op: string): number => program.nodes.filter(n => n.op === op).length

/** Largest difference of an output between a program and its two parts. */
function difference(program: Program): number {
  const feeds = Object.fromEntries(Object.entries(feedsFor(program)).map(([name, v]) => [name, name === 'variance' ? { ...v, data: Float32Array.from(v.data, x => 0.5 + Math.abs(x)) } : v]))
  const { prepare, run } = prepareWeights(foldWeights(optimise(program, { differentiated: true })))
  verify(prepare)
  verify(run)
  const prepared = Object.fromEntries(Object.entries(interpret(prepare, feeds).outputs).map(([name, v]) => [name, Float64Array.from(v.data)]))
  const [expected, found] = [interpret(program, feeds).outputs, interpret(run, { ...feeds, ...prepared }).outputs]
  expect(Object.keys(found)).toEqual(Object.keys(expected))
  return Math.max(...Object.entries(expected).flatMap(([name, { data }]) => Array.from(data, (v, i) => Math.abs(v - found[name].data[i]))))
}

/** Convolution, bias or none, norm, ReLU; `shared`: the convolution is read once more. */
function normed({ bias = true, shared = false }: { readonly bias?: boolean; readonly shared?: boolean } = {}): Program {
  const b = new Builder()
  const x = b.input('x', 'input', { dtype: 'float32', shape: [1, 3, 6, 5] }, origin)
  const weight = (name: string, ...shape: number[]): ValueId => b.input(name, name === 'mean' || name === 'variance' ? 'state' : 'parameter', { dtype: 'float32', shape }, origin)
  const conv = b.emit('conv2d', [x, weight('kernel', 4, 3, 3, 3)], { stride: [2, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 }, origin)
  const sum = bias ? b.emit('add', [conv, b.emit('reshape', [weight('bias', 4)], { shape: [4, 1, 1] }, origin)], {}, origin) : conv
  const norm = b.emit('batchNorm', [sum, weight('scale', 4), weight('shift', 4), weight('mean', 4), weight('variance', 4)], { eps: 1e-5 }, origin)
  b.output('y', 'prediction', b.emit('relu', [norm], {}, origin))
  if (shared) b.output('conv', 'prediction', conv)
  return b.finish('normed')
}

it.each([{ bias: true }, { bias: false }])('a norm goes into the convolution before it, %o', options => {
  const program = normed(options)
  expect(difference(program)).toBeLessThan(1e-9)
  const { run } = prepareWeights(foldWeights(program))
  expect([count(run, 'batchNorm'), count(run, 'conv2d'), count(run, 'add'), count(run, 'mul')]).toEqual([0, 1, 1, 0])
})

it('a convolution that something else reads stays as it is', () => {
  const program = normed({ shared: true })
  expect(difference(program)).toBeLessThan(1e-9)
  expect(count(foldWeights(program), 'batchNorm')).toBe(1)
})

it('weights are read as they lie in memory, and keep their names where nothing is done to them', () => {
  const b = new Builder()
  const x = b.input('x', 'input', { dtype: 'float32', shape: [2, 5, 3] }, origin)
  const [w, v, s] = [[4, 3], [5, 6], [4]].map((shape, i) => b.input('wvs'[i], 'parameter', { dtype: 'float32', shape }, origin))
  const unread = b.input('unread', 'state', { dtype: 'float32', shape: [2] }, origin)
  const product = b.emit('matmul', [x, w], { transA: false, transB: true, alpha: 0.5 }, origin)
  b.output('y', 'prediction', b.emit('add', [product, b.emit('reshape', [s], { shape: [1, 1, 4] }, origin)], {}, origin))
  b.output('z', 'prediction', b.emit('matmul', [v, x], { transA: true, transB: false, alpha: 1 }, origin))
  b.output('twice', 'prediction', b.emit('mul', [s, s], {}, origin))
  const program = b.finish('products')
  expect(unread).toBeGreaterThan(0)
  expect(difference(program)).toBeLessThan(1e-9)
  const { prepare, run } = prepareWeights(foldWeights(program))
  expect(run.nodes.flatMap(n => (n.op === 'matmul' ? [n.attrs.transA, n.attrs.transB] : []))).toEqual([false, false, false, false])
  expect([prepare.inputs.map(i => i.name), run.inputs.map(i => i.name.replace(/^prepared\/.*\//, 'prepared/'))]).toEqual([['w', 'v', 's'], ['x', 's', 'prepared/1', 'prepared/2', 'prepared/3']])
})

it('constants are in both parts where both read them', () => {
  const b = new Builder()
  const x = b.input('x', 'input', { dtype: 'float32', shape: [3] }, origin)
  const w = b.input('w', 'parameter', { dtype: 'float32', shape: [3] }, origin)
  const two = b.emit('constant', [], { value: toTensorData({ dtype: 'float32', shape: [3], data: Float64Array.of(1, 2, 3) }) }, origin)
  b.output('y', 'prediction', b.emit('add', [b.emit('mul', [x, two], {}, origin), b.emit('mul', [w, two], {}, origin)], {}, origin))
  expect(difference(b.finish('constants'))).toBeLessThan(1e-9)
})
