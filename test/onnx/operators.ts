// Small programs of one operator each, with operands: every operator, attributes off the beaten path included.
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import { sizeOf, type DType, type Shape, type TensorData } from '../../src/compiler/ir/types.ts'

export interface OperatorCase { readonly op: OpName; readonly title: string; readonly program: Program; readonly feeds: Readonly<Record<string, TensorData>>; /** relative to the largest element */ readonly tolerance: number }

type Operand = TensorData

/** A small generator (mulberry32), uniform in [0, 1). */
export function generator(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const next = generator(7)
/** Uniform in [low, high). */
export const f32 = (shape: Shape, low = -2, high = 2): Operand => ({ dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * next()) })
export const i32 = (shape: Shape, low = -9, high = 10): Operand => ({ dtype: 'int32', shape, data: Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(low + (high - low) * next())) })
const flags = (shape: Shape): Operand => ({ dtype: 'bool', shape, data: Uint8Array.from({ length: sizeOf(shape) }, () => next() < 0.5 ? 1 : 0) })
const list = (dtype: DType, shape: Shape, values: readonly number[]): Operand =>
  ({ dtype, shape, data: dtype === 'float32' ? Float32Array.from(values) : dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values) })

export const ORIGIN = { path: 'backbone.stage.0', span: { file: 'net.mtl', start: 12, end: 20 }, phase: 'forward' } as const

const made: OperatorCase[] = []
function add<K extends OpName>(op: K, attrs: OpAttrs[K], operands: readonly Operand[], note = '', tolerance = 1e-5): void {
  const b = new Builder()
  const ids = operands.map((t, i) => b.input(`x${i}`, 'input', { dtype: t.dtype, shape: t.shape }, ORIGIN))
  b.output('y', 'tap', b.emit(op, ids, attrs, ORIGIN))
  made.push({ op, title: note === '' ? op : `${op}: ${note}`, program: b.finish(op), feeds: Object.fromEntries(operands.map((t, i) => [`x${i}`, t])), tolerance })
}

add('constant', { value: f32([2, 3]) }, [])
add('constant', { value: flags([5]) }, [], 'bool')
add('constant', { value: i32([3]) }, [], 'int32')
add('fill', { dtype: 'float32', shape: [2, 3], value: 1.5 }, [])
add('fill', { dtype: 'int32', shape: [20, 30], value: -7 }, [], 'large, int32')
add('fill', { dtype: 'bool', shape: [20, 30], value: 1 }, [], 'large, bool')
add('iota', { shape: [3, 4, 2], axis: 1 }, [])
add('iota', { shape: [5], axis: 0 }, [], 'a line')

for (const op of ['neg', 'exp', 'abs', 'sign', 'floor', 'erf', 'sigmoid', 'tanh', 'relu', 'softplus', 'sin', 'cos', 'gelu'] as const) add(op, {}, [f32([3, 17], -4, 4)])
for (const op of ['log', 'sqrt', 'reciprocal'] as const) add(op, {}, [f32([3, 17], 0.1, 4)])
add('softplus', {}, [list('float32', [4], [-90, -20, 20, 90])], 'large arguments')
add('sign', {}, [list('float32', [3], [-2, 0, 3])], 'zero')
add('not', {}, [flags([9])])
add('cast', { to: 'int32' }, [list('float32', [5], [-2.7, -0.5, 0, 1.5, 2.9])], 'float32 to int32')
add('cast', { to: 'float32' }, [flags([9])], 'bool to float32')
add('cast', { to: 'bool' }, [list('int32', [4], [0, 1, -1, 5])], 'int32 to bool')
add('cast', { to: 'float32' }, [f32([4])], 'to itself')
add('stopGradient', {}, [f32([2, 3])])
add('after', {}, [f32([2, 3]), f32([4])])
add('after', {}, [f32([]), i32([])], 'scalars')

for (const op of ['add', 'sub', 'mul', 'max', 'min'] as const) {
  add(op, {}, [f32([2, 3, 4]), f32([3, 1])])
  add(op, {}, [i32([2, 3]), i32([3])], 'int32')
}
add('div', {}, [f32([2, 3, 4]), f32([4], 0.5, 2)])
add('div', {}, [list('int32', [4], [7, -7, 7, -7]), list('int32', [4], [2, 2, -2, -2])], 'int32 truncates')
add('mod', {}, [list('int32', [4], [7, -7, 7, -7]), list('int32', [4], [3, 3, -3, -3])], 'int32, sign of the dividend')
add('mod', {}, [list('float32', [4], [7.5, -7.5, 7.5, -7.5]), list('float32', [4], [2, 2, -2, -2])], 'float32')
add('pow', {}, [f32([3, 4], 0.1, 3), f32([4])])
for (const op of ['less', 'greater', 'equal'] as const) {
  add(op, {}, [f32([2, 5]), f32([5])])
  add(op, {}, [i32([40], 0, 3), i32([40], 0, 3)], 'int32')
}
for (const op of ['and', 'or'] as const) add(op, {}, [flags([4, 5]), flags([5])])
add('where', {}, [flags([4, 5]), f32([5]), f32([4, 1])])
add('where', {}, [flags([4, 5]), i32([5]), i32([])], 'int32')
add('where', {}, [flags([4, 5]), flags([5]), flags([4, 1])], 'bool')

for (const op of ['reduceSum', 'reduceMean', 'reduceMax'] as const) {
  add(op, { axes: [1], keepDims: false }, [f32([2, 3, 4])])
  add(op, { axes: [0, 2], keepDims: true }, [f32([2, 3, 4])], 'two axes kept')
  add(op, { axes: [0, 1, 2], keepDims: false }, [f32([2, 3, 4])], 'all')
  add(op, { axes: [], keepDims: false }, [f32([2, 3])], 'none')
  add(op, { axes: [0], keepDims: false }, [f32([4096, 5], 0, 1)], 'many rows')
  add(op, { axes: [0, 1], keepDims: false }, [f32([7, 211, 3], 0, 1)], 'many rows without a divisor')
  add(op, { axes: [0, 2, 3], keepDims: true }, [f32([2, 3, 32, 24], 0, 1)], 'channels')
  add(op, { axes: [0, 1], keepDims: true }, [f32([64, 64], 0, 1)], 'everything, in levels')
}
for (const op of ['softmax', 'logSoftmax'] as const) {
  add(op, { axis: 2 }, [f32([2, 3, 5], -5, 5)])
  add(op, { axis: 1 }, [f32([2, 3, 5], -5, 5)], 'not the last axis')
}
add('layerNorm', { eps: 1e-5 }, [f32([2, 3, 8]), f32([8]), f32([8])])
add('groupNorm', { groups: 2, eps: 1e-5 }, [f32([2, 6, 4, 3]), f32([6]), f32([6])])
add('groupNorm', { groups: 3, eps: 1e-3 }, [f32([2, 6, 5]), f32([6]), f32([6])], 'one spatial axis')
add('batchNorm', { eps: 1e-3 }, [f32([2, 3, 4, 5]), f32([3]), f32([3]), f32([3]), f32([3], 0.5, 2)])
add('batchNorm', { eps: 1e-3 }, [f32([6, 3]), f32([3]), f32([3]), f32([3]), f32([3], 0.5, 2)], 'no spatial axis')

add('reshape', { shape: [4, 3, 2] }, [f32([2, 12])])
add('reshape', { shape: [] }, [f32([1, 1])], 'to a scalar')
add('reshape', { shape: [6] }, [flags([2, 3])], 'bool')
add('transpose', { perm: [2, 0, 1] }, [f32([2, 3, 4])])
add('transpose', { perm: [1, 0] }, [flags([2, 3])], 'bool')
add('broadcast', { shape: [2, 3, 4] }, [f32([3, 1])])
add('broadcast', { shape: [2, 3] }, [i32([3])], 'int32')
add('broadcast', { shape: [2, 3] }, [flags([2, 1])], 'bool')
add('slice', { start: [0, 1], stop: [2, 4], step: [1, 2] }, [f32([3, 5])])
add('slice', { start: [2, 4], stop: [-1, 0], step: [-1, -2] }, [f32([3, 5])], 'backwards')
add('slice', { start: [0, 0], stop: [3, 5], step: [1, 1] }, [i32([3, 5])], 'everything')
add('slice', { start: [0, 0], stop: [0, 5], step: [1, 1] }, [f32([3, 5])], 'nothing')
add('pad', { before: [1, 0], after: [0, 2], value: -3 }, [f32([2, 3])])
add('pad', { before: [1], after: [2], value: 4 }, [i32([3])], 'int32')
add('pad', { before: [1], after: [2], value: 1 }, [flags([3])], 'bool')
add('concat', { axis: 1 }, [f32([2, 3]), f32([2, 1]), f32([2, 2])])
add('concat', { axis: 0 }, [i32([2])], 'one operand')
add('concat', { axis: 0 }, [flags([2]), flags([3])], 'bool')
add('roll', { shifts: [1, -2], axes: [0, 2] }, [f32([3, 2, 5])])
add('roll', { shifts: [7], axes: [1] }, [f32([2, 5])], 'further than the axis')
add('roll', { shifts: [5], axes: [1] }, [f32([2, 5])], 'all around')
add('gather', { axis: 1 }, [f32([2, 5, 3]), i32([2, 4], 0, 5)])
add('gather', { axis: 0 }, [f32([5]), i32([], 0, 5)], 'one element')
add('gather', { axis: 0 }, [i32([5, 2]), i32([7], 0, 5)], 'int32')
add('scatterAdd', { axis: 0, size: 6 }, [i32([40], 0, 6), f32([40, 3])])
add('scatterAdd', { axis: 1, size: 4 }, [i32([2, 5], 0, 4), f32([3, 2, 5, 2])], 'inner axis, indices of rank 2')
// onnxruntime's ScatterND would lose sums here: its threads add to one place at once.
add('scatterAdd', { axis: 0, size: 5 }, [i32([4096], 0, 5), f32([4096, 64], 0, 1)], 'many rows on few places')
add('scatterAdd', { axis: 0, size: 3 }, [i32([2100], 0, 3), f32([2100, 2100], 0, 1)], 'more than one ScatterElements takes')
add('scatterAdd', { axis: 1, size: 300 }, [i32([9], 0, 300), f32([2, 9])], 'last axis, large')

add('matmul', { transA: false, transB: false, alpha: 1 }, [f32([3, 4]), f32([4, 5])])
add('matmul', { transA: true, transB: true, alpha: 0.5 }, [f32([4, 3]), f32([5, 4])], 'both transposed, scaled')
add('matmul', { transA: false, transB: true, alpha: 1 }, [f32([2, 3, 4]), f32([5, 4])], 'rows times a matrix')
add('matmul', { transA: true, transB: false, alpha: 2 }, [f32([2, 4, 3]), f32([4, 5])], 'transposed batch times a matrix')
add('matmul', { transA: false, transB: true, alpha: 0.3 }, [f32([2, 3, 4, 5]), f32([2, 3, 6, 5])], 'batches')
add('matmul', { transA: true, transB: false, alpha: 1 }, [f32([2, 1, 5, 4]), f32([3, 5, 6])], 'broadcast batches')
add('matmul', { transA: false, transB: true, alpha: 1 }, [f32([3, 4]), f32([2, 5, 4])], 'a matrix times a batch')

type Conv = OpAttrs['conv2d']
const conv = (given: Partial<Conv> = {}): Conv => ({ stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1, ...given })
const geometries: readonly { readonly note: string; readonly attrs: Conv; readonly channels: number; readonly outputs: number; readonly size: readonly [number, number]; readonly kernel: readonly [number, number] }[] = [
  { note: '3x3', attrs: conv({ pad: [1, 1, 1, 1] }), channels: 3, outputs: 4, size: [6, 7], kernel: [3, 3] },
  { note: '1x1', attrs: conv(), channels: 3, outputs: 4, size: [5, 6], kernel: [1, 1] },
  { note: 'stride 2', attrs: conv({ stride: [2, 2], pad: [1, 1, 1, 1] }), channels: 3, outputs: 4, size: [7, 8], kernel: [3, 3] },
  { note: 'patches', attrs: conv({ stride: [4, 4] }), channels: 3, outputs: 4, size: [8, 12], kernel: [4, 4] },
  { note: 'uneven stride, padding and dilation', attrs: conv({ stride: [1, 2], pad: [2, 0, 1, 3], dilation: [2, 1] }), channels: 2, outputs: 3, size: [8, 9], kernel: [3, 2] },
  { note: 'more padding than the kernel', attrs: conv({ pad: [2, 2, 2, 2] }), channels: 2, outputs: 3, size: [4, 5], kernel: [2, 2] },
  { note: 'groups', attrs: conv({ pad: [1, 1, 1, 1], groups: 2 }), channels: 4, outputs: 6, size: [5, 6], kernel: [3, 3] },
  { note: 'groups, stride 2', attrs: conv({ stride: [2, 2], groups: 3 }), channels: 6, outputs: 3, size: [7, 7], kernel: [3, 3] },
  { note: 'depthwise', attrs: conv({ pad: [1, 1, 1, 1], groups: 4 }), channels: 4, outputs: 4, size: [5, 6], kernel: [3, 3] },
]
for (const { note, attrs, channels, outputs, size, kernel } of geometries) {
  const places = [0, 1].map(i => Math.floor((size[i] + attrs.pad[i] + attrs.pad[i + 2] - attrs.dilation[i] * (kernel[i] - 1) - 1) / attrs.stride[i]) + 1)
  const x = f32([2, channels, ...size]), weight = f32([outputs, channels / attrs.groups, ...kernel]), dy = f32([2, outputs, ...places])
  add('conv2d', attrs, [x, weight], note)
  add('conv2dInputGrad', { ...attrs, inputSize: size }, [dy, weight], note)
  add('conv2dWeightGrad', { ...attrs, kernel }, [x, dy], note)
}
add('deformConv2d', conv({ pad: [1, 1, 1, 1] }), [f32([2, 3, 5, 6]), f32([2, 18, 5, 6]), f32([2, 9, 5, 6], 0, 1), f32([4, 3, 3, 3])])
add('deformConv2d', conv({ stride: [2, 1], pad: [0, 1, 2, 0], dilation: [1, 2] }), [f32([1, 2, 6, 7]), f32([1, 12, 3, 6], -4, 4), f32([1, 6, 3, 6], 0, 1), f32([3, 2, 3, 2])], 'stride and dilation')

for (const [from, to] of [[[3, 4], [6, 8]], [[4, 6], [7, 5]], [[8, 8], [2, 4]], [[5, 3], [5, 3]], [[3, 5], [10, 13]]] as const) {
  for (const mode of ['bilinear', 'nearest'] as const) {
    add('resize2d', { mode, size: to }, [f32([2, 3, ...from])], `${mode}, ${from.join(' x ')} to ${to.join(' x ')}`)
    add('resize2dGrad', { mode, size: from }, [f32([2, 3, ...to])], `${mode}, ${to.join(' x ')} back to ${from.join(' x ')}`)
  }
}
// The Resize operator rounds source positions to float32.
add('resize2d', { mode: 'bilinear', size: [2, 300] }, [f32([1, 2, 3, 280])], 'a long axis', 1e-4)

export const operatorCases: readonly OperatorCase[] = made
