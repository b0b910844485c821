// Programs for the parity of the target: what the table of operators leaves out.
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { f32, i32, ORIGIN } from '../onnx/operators.ts'

export interface ProgramCase { readonly title: string; readonly program: Program; readonly feeds: Readonly<Record<string, TensorData>> }

const cases: ProgramCase[] = []
function add(title: string, operands: readonly TensorData[], build: (g: Emitter, x: readonly ValueId[]) => readonly ValueId[]): void {
  const b = new Builder(), g = new Emitter(b, ORIGIN)
  const ids = operands.map((t, i) => b.input(`x${i}`, 'input', { dtype: t.dtype, shape: t.shape }, ORIGIN))
  build(g, ids).forEach((v, i) => b.output(`y${i}`, 'tap', v))
  cases.push({ title, program: b.finish('case'), feeds: Object.fromEntries(operands.map((t, i) => [`x${i}`, t])) })
}

const conv = { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const

add('windows of a map and back', [f32([2, 6, 8, 3])], (g, [x]) => {
  const windows = g.reshape(g.transpose(g.reshape(x, [2, 3, 2, 2, 4, 3]), [0, 1, 3, 2, 4, 5]), [12, 8, 3])
  return [windows, g.reshape(g.transpose(g.reshape(g.exp(windows), [2, 3, 2, 2, 4, 3]), [0, 1, 3, 2, 4, 5]), [2, 6, 8, 3])]
})
add('a transpose of seven axes', [f32([2, 3, 2, 2, 3, 2, 2])], (g, [x]) => [g.transpose(x, [6, 1, 4, 0, 5, 2, 3])])
add('five axes that broadcast', [f32([2, 3, 2, 4, 3]), f32([3, 1, 4, 1]), f32([2, 1, 2, 1, 3])], (g, [x, a, b]) => [g.mul(g.add(x, a), b), g.op('broadcast', [a], { shape: [2, 3, 2, 4, 3] })])
add('six axes: sums, slices, padding', [f32([2, 3, 2, 4, 3, 2])], (g, [x]) => [
  g.sum(x, [1, 3]), g.mean(x, [0, 2, 4], true), g.op('reduceMax', [x], { axes: [5], keepDims: false }),
  g.slice(x, [0, 1, 0, 1, 0, 1], [2, 3, 2, 4, 3, 2]), g.pad(x, [0, 1, 0, 0, 2, 0], [0, 0, 1, 0, 0, 1]), g.op('concat', [x, x], { axis: 3 }),
  g.op('roll', [x], { shifts: [1, 2], axes: [1, 3] }), g.op('gather', [x, g.constant(i32([3], 0, 4))], { axis: 3 }),
])
add('a part of each of five axes', [f32([3, 4, 3, 4, 3])], (g, [x]) => [g.slice(x, [1, 1, 0, 2, 1], [3, 3, 2, 4, 3]), g.pad(x, [1, 0, 1, 0, 2], [0, 1, 0, 1, 0])])
add('integers moved', [i32([2, 3, 4, 5])], (g, [x]) => [g.transpose(x, [0, 2, 1, 3]), g.float(g.transpose(x, [3, 2, 1, 0])), g.transpose(g.float(x), [0, 2, 1, 3])])
add('products with a bias', [f32([2, 5, 4]), f32([3, 4]), f32([4, 3]), f32([3])], (g, [x, w, v, bias]) => [g.add(g.matmul(x, w, { transB: true }), bias), g.add(g.matmul(x, v), bias), g.add(bias, g.matmul(x, v, { alpha: 0.5 }))])
add('a convolution with a bias', [f32([2, 3, 5, 6]), f32([4, 3, 3, 3]), f32([4])], (g, [x, w, bias]) => [g.add(g.op('conv2d', [x, w], conv), g.reshape(bias, [4, 1, 1]))])
add('a grouped convolution with a bias', [f32([2, 4, 5, 6]), f32([4, 2, 3, 3]), f32([1, 4, 1, 1])], (g, [x, w, bias]) => [g.add(g.op('conv2d', [x, w], { ...conv, groups: 2 }), bias)])
add('convolutions in a row', [f32([2, 3, 5, 6]), f32([3, 3, 3, 3]), f32([3])], (g, [x, w, s]) => {
  const normal = g.mul(g.op('relu', [g.op('conv2d', [x, w], conv)], {}), g.perChannel(s, 4))
  const again = g.op('conv2d', [normal, w], conv)
  return [g.add(x, again), g.reshape(again, [2, 3, 30]), g.sum(again, [0, 2, 3]), g.op('softmax', [again], { axis: 1 }), g.op('logSoftmax', [again], { axis: 3 }), g.op('concat', [again, x], { axis: 1 }), g.slice(again, [0, 1, 0, 2], [2, 3, 5, 4]), g.pad(again, [0, 0, 1, 0], [0, 0, 0, 2])]
})
add('attention', [f32([3, 7, 24]), f32([7, 7])], (g, [x, bias]) => {
  const split = g.transpose(g.reshape(x, [3, 7, 3, 2, 4]), [2, 0, 3, 1, 4])
  const [q, k, v] = [0, 1, 2].map(i => g.reshape(g.slice(split, [i, 0, 0, 0, 0], [i + 1, 3, 2, 7, 4]), [3, 2, 7, 4]))
  const weights = g.op('softmax', [g.add(g.matmul(q, k, { transB: true, alpha: 0.5 }), bias)], { axis: 3 })
  return [g.reshape(g.transpose(g.matmul(weights, v), [0, 2, 1, 3]), [3, 7, 8]), g.matmul(g.transpose(q, [0, 1, 3, 2]), v, { transB: false })]
})
add('one value, three outputs', [f32([2, 3]), f32([1])], (g, [x, s]) => { const y = g.exp(x); return [y, y, g.reshape(y, [6]), x, g.fill(2, [3]), g.reshape(s, [])] })
add('views of an input', [f32([2, 3])], (g, [x]) => [g.reshape(x, [3, 2]), g.op('after', [x, g.exp(x)], {})])
add('nothing', [f32([0, 3]), f32([2, 3])], (g, [x, y]) => [g.exp(x), g.op('concat', [x, y], { axis: 0 }), g.sum(x, [0]), g.matmul(y, x, { transB: true })])

export const programCases: readonly ProgramCase[] = cases
