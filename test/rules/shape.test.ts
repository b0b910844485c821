// The type rule of every operator, and what it says where operands do not fit.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import { showType, type TensorType } from '../../src/compiler/ir/types.ts'
import { broadcastShapes, RuleFailure } from '../../src/compiler/rules/shape-checks.ts'
import { inferShape, opNames } from '../../src/compiler/rules/shape.ts'

const f = (...shape: number[]): TensorType => ({ dtype: 'float32', shape })
const i = (...shape: number[]): TensorType => ({ dtype: 'int32', shape })
const m = (...shape: number[]): TensorType => ({ dtype: 'bool', shape })
const conv = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const
const product = { transA: false, transB: false, alpha: 1 }
const vector = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const

type Case = { [K in OpName]: readonly [op: K, inputs: readonly TensorType[], attrs: OpAttrs[K], expected: string] }[OpName]
const shown = ([op, inputs, attrs]: Case): string => {
  const result = inferShape(op, inputs, attrs as never)
  return 'error' in result ? result.error : showType(result)
}
const title = ([op, inputs, , expected]: Case): [string, string] => [`${op}(${inputs.map(showType).join(', ')})`, expected]

const unary = ['neg', 'exp', 'log', 'sqrt', 'abs', 'sign', 'floor', 'erf', 'sigmoid', 'tanh', 'relu', 'softplus', 'sin', 'cos', 'reciprocal', 'gelu'] as const
const arithmetic = ['add', 'sub', 'mul', 'div', 'mod', 'max', 'min'] as const
const comparisons = ['less', 'greater', 'equal'] as const

const fitting: readonly Case[] = [
  ['constant', [], { value: vector }, 'f32[2]'],
  ['fill', [], { dtype: 'bool', shape: [2, 3], value: 1 }, 'bool[2, 3]'],
  ['iota', [], { shape: [2, 3], axis: 1 }, 'i32[2, 3]'],
  ...unary.map(op => [op, [f(2, 3)], {}, 'f32[2, 3]'] as Case),
  ['not', [m(2)], {}, 'bool[2]'],
  ['cast', [m(2)], { to: 'int32' }, 'i32[2]'],
  ['stopGradient', [i(2)], {}, 'i32[2]'],
  ...arithmetic.map(op => [op, [i(2, 1), i(3)], {}, 'i32[2, 3]'] as Case),
  ['pow', [f(2), f()], {}, 'f32[2]'],
  ...comparisons.map(op => [op, [f(2), f(1)], {}, 'bool[2]'] as Case),
  ['and', [m(2), m()], {}, 'bool[2]'],
  ['or', [m(2), m()], {}, 'bool[2]'],
  ['where', [m(2, 1, 1), f(3, 1), f(4)], {}, 'f32[2, 3, 4]'],
  ['reduceSum', [f(2, 3, 4)], { axes: [0, 2], keepDims: false }, 'f32[3]'],
  ['reduceMean', [f(2, 3, 4)], { axes: [0, 2], keepDims: true }, 'f32[1, 3, 1]'],
  ['reduceMax', [f(2)], { axes: [0], keepDims: false }, 'f32[]'],
  ['softmax', [f(2, 3)], { axis: 1 }, 'f32[2, 3]'],
  ['logSoftmax', [f(2, 3)], { axis: 0 }, 'f32[2, 3]'],
  ['layerNorm', [f(2, 5, 3), f(3), f(3)], { eps: 1e-5 }, 'f32[2, 5, 3]'],
  ['groupNorm', [f(2, 6, 5, 5), f(6), f(6)], { groups: 3, eps: 1e-5 }, 'f32[2, 6, 5, 5]'],
  ['batchNorm', [f(2, 6, 5, 5), f(6), f(6), f(6), f(6)], { eps: 1e-5 }, 'f32[2, 6, 5, 5]'],
  ['after', [i(2, 6), f(3)], {}, 'i32[2, 6]'],
  ['reshape', [i(2, 6)], { shape: [3, 4] }, 'i32[3, 4]'],
  ['transpose', [f(2, 3, 4)], { perm: [2, 0, 1] }, 'f32[4, 2, 3]'],
  ['broadcast', [f(3, 1)], { shape: [2, 3, 4] }, 'f32[2, 3, 4]'],
  ['slice', [f(5, 4, 5)], { start: [1, 0, 4], stop: [5, 4, -1], step: [2, 1, -2] }, 'f32[2, 4, 3]'],
  ['pad', [f(2, 3)], { before: [1, 0], after: [0, 2], value: 0 }, 'f32[3, 5]'],
  ['concat', [f(2, 3), f(2, 4)], { axis: 1 }, 'f32[2, 7]'],
  ['roll', [i(4, 4)], { shifts: [-1, 2], axes: [0, 1] }, 'i32[4, 4]'],
  ['gather', [f(2, 9, 3), i(4, 5)], { axis: 1 }, 'f32[2, 4, 5, 3]'],
  ['gather', [m(9), i()], { axis: 0 }, 'bool[]'],
  ['scatterAdd', [i(4, 5), f(2, 4, 5, 3)], { axis: 1, size: 9 }, 'f32[2, 9, 3]'],
  ['matmul', [f(2, 1, 3, 4), f(5, 4, 6)], product, 'f32[2, 5, 3, 6]'],
  ['matmul', [f(4, 3), f(6, 4)], { transA: true, transB: true, alpha: 2 }, 'f32[3, 6]'],
  ['conv2d', [f(2, 4, 9, 8), f(6, 2, 3, 3)], { stride: [2, 1], pad: [1, 1, 1, 0], dilation: [1, 2], groups: 2 }, 'f32[2, 6, 5, 5]'],
  ['conv2dInputGrad', [f(2, 6, 5, 5), f(6, 2, 3, 3)], { stride: [2, 1], pad: [1, 1, 1, 0], dilation: [1, 2], groups: 2, inputSize: [9, 8] }, 'f32[2, 4, 9, 8]'],
  ['conv2dWeightGrad', [f(2, 4, 9, 8), f(2, 6, 5, 5)], { stride: [2, 1], pad: [1, 1, 1, 0], dilation: [1, 2], groups: 2, kernel: [3, 3] }, 'f32[6, 2, 3, 3]'],
  ['deformConv2d', [f(2, 4, 7, 7), f(2, 18, 7, 7), f(2, 9, 7, 7), f(6, 4, 3, 3)], { ...conv, pad: [1, 1, 1, 1] }, 'f32[2, 6, 7, 7]'],
  ['resize2d', [f(2, 3, 8, 8)], { mode: 'bilinear', size: [6, 12] }, 'f32[2, 3, 6, 12]'],
  ['resize2dGrad', [f(2, 3, 6, 12)], { mode: 'nearest', size: [8, 8] }, 'f32[2, 3, 8, 8]'],
]

const failing: readonly Case[] = [
  ['constant', [], { value: { ...vector, shape: [3] } }, 'the constant has 2 elements, but its shape [3] has 3'],
  ['constant', [], { value: { ...vector, dtype: 'int32' } }, 'a constant of type int32 must be held in Int32Array'],
  ['fill', [], { dtype: 'int32', shape: [], value: 0.5 }, '0.5 is not a value of type int32'],
  ['fill', [], { dtype: 'float32', shape: [-1], value: 0 }, '[-1] is not a shape: its sizes must be non-negative integers'],
  ['iota', [], { shape: [2], axis: 1 }, 'axis 1 does not exist: [2] has rank 1'],
  ['exp', [f(1), f(1)], {}, 'takes 1 operand, got 2'],
  ['exp', [i(1)], {}, 'the operand must be float32, but is i32[1]'],
  ['not', [f(1)], {}, 'the operand must be bool, but is f32[1]'],
  ['add', [f(1)], {}, 'takes 2 operands, got 1'],
  ['add', [f(1), i(1)], {}, 'the operands differ in type: f32[1] and i32[1]'],
  ['add', [m(1), m(1)], {}, 'an operand must be float32 or int32, but is bool[1]'],
  ['add', [f(2, 3), f(4)], {}, 'cannot broadcast [2, 3] with [4]: axis 1 has 3 and 4'],
  ['pow', [i(1), i(1)], {}, 'an operand must be float32, but is i32[1]'],
  ['and', [f(1), f(1)], {}, 'an operand must be bool, but is f32[1]'],
  ['where', [f(1), f(1), f(1)], {}, 'the condition must be bool, but is f32[1]'],
  ['where', [m(2), f(1), f(3)], {}, 'cannot broadcast [2] with [1] with [3]: axis 0 has 2 and 3'],
  ['reduceSum', [f(2)], { axes: [1], keepDims: false }, 'axis 1 does not exist: [2] has rank 1'],
  ['reduceSum', [f(2, 3)], { axes: [1, 0], keepDims: false }, 'the axes [1, 0] must be sorted'],
  ['reduceSum', [f(2, 3)], { axes: [1, 1], keepDims: false }, 'axis 1 is given twice'],
  ['reduceMax', [f(2, 0)], { axes: [1], keepDims: false }, 'axis 1 of [2, 0] has no elements to reduce'],
  ['softmax', [f(2)], { axis: -1 }, 'axis -1 does not exist: [2] has rank 1'],
  ['layerNorm', [f(2, 4), f(3), f(4)], { eps: 0 }, 'the weight must be [4] (the last axis of [2, 4]), but is [3]'],
  ['layerNorm', [f(4), f(4), f(4)], { eps: -1 }, 'eps must not be negative, but is -1'],
  ['groupNorm', [f(2, 4), f(4), f(4)], { groups: 3, eps: 0 }, '4 channels cannot be divided into 3 groups'],
  ['batchNorm', [f(4), f(4), f(4), f(4), f(4)], { eps: 0 }, 'the operand must have at least 2 axes, but has rank 1: [4]'],
  ['batchNorm', [f(2, 4), f(4), f(4), f(4), f(5)], { eps: 0 }, 'the variance must be [4] (axis 1 of [2, 4]), but is [5]'],
  ['reshape', [f(2, 3)], { shape: [4] }, 'cannot reshape [2, 3] with 6 elements to [4] with 4'],
  ['transpose', [f(2, 3)], { perm: [0] }, 'the permutation [0] has 1 entry, but [2, 3] has rank 2'],
  ['transpose', [f(2, 3)], { perm: [0, 0] }, 'axis 0 is given twice'],
  ['broadcast', [f(2)], { shape: [1] }, 'cannot broadcast [2] to [1]'],
  ['broadcast', [f(2)], { shape: [3] }, 'cannot broadcast [2] with [3]: axis 0 has 2 and 3'],
  ['slice', [f(4)], { start: [1], stop: [5], step: [1] }, 'axis 0: the slice 1:5 does not lie in the 4 elements'],
  ['slice', [f(4)], { start: [4], stop: [0], step: [-1] }, 'axis 0: the slice 4:0:-1 does not lie in the 4 elements'],
  ['slice', [f(4)], { start: [0], stop: [4], step: [0] }, 'axis 0: the step must not be 0'],
  ['slice', [f(4)], { start: [0.5], stop: [4], step: [1] }, 'axis 0: start, stop and step must be integers, but are 0.5, 4 and 1'],
  ['slice', [f(4)], { start: [0, 0], stop: [4], step: [1] }, 'start has 2 entries, but [4] has rank 1'],
  ['pad', [f(4)], { before: [-1], after: [0], value: 0 }, 'the padding must be non-negative integers, but has -1'],
  ['concat', [], { axis: 0 }, 'takes at least 1 operand, got 0'],
  ['concat', [f(2, 3), f(2)], { axis: 0 }, 'the operands differ in rank: operand 0 is [2, 3], operand 1 is [2]'],
  ['concat', [f(2), i(2)], { axis: 0 }, 'the operands differ in type: operand 0 is float32, operand 1 is int32'],
  ['concat', [f(2, 3), f(4, 5)], { axis: 1 }, 'the operands differ on axis 0: operand 0 [2, 3] has 2, operand 1 [4, 5] has 4; only axis 1 may differ'],
  ['roll', [f(2)], { shifts: [1, 2], axes: [0] }, '2 shifts for 1 axes'],
  ['gather', [f(2), f(2)], { axis: 0 }, 'the indices must be int32, but is f32[2]'],
  ['scatterAdd', [i(4), f(2, 5)], { axis: 1, size: 3 }, 'the updates [2, 5] must have the axes of the indices [4] from axis 1 on, but have [5]'],
  ['scatterAdd', [i(4), f(4)], { axis: 1, size: 3 }, 'the updates [4] have no 1 axes from axis 1 on for the indices [4]'],
  ['matmul', [f(8, 64), f(48, 64)], product, 'the inner dimensions differ: 64 and 48 ([8, 64] times [48, 64])'],
  ['matmul', [f(8, 64), f(64, 48)], { ...product, transB: true }, 'the inner dimensions differ: 64 and 48 ([8, 64] times [64, 48], the right transposed)'],
  ['matmul', [f(64), f(64, 4)], product, 'the left operand must have at least 2 axes, but has rank 1: [64]'],
  ['matmul', [f(2, 8, 4), f(3, 4, 4)], product, 'cannot broadcast [2] with [3]: axis 0 has 2 and 3'],
  ['conv2d', [f(3, 8, 8), f(4, 3, 3, 3)], conv, 'the input must have rank 4 ([B, C, H, W]), but has rank 3: [3, 8, 8]'],
  ['conv2d', [f(1, 3, 8, 8), f(4, 5, 3, 3)], conv, 'the input has 3 channels, but the weight takes 5'],
  ['conv2d', [f(1, 6, 8, 8), f(4, 6, 3, 3)], { ...conv, groups: 2 }, 'the input has 6 channels, but the weight takes 6 x 2 groups = 12'],
  ['conv2d', [f(1, 3, 8, 8), f(4, 1, 3, 3)], { ...conv, groups: 2 }, '3 input channels cannot be divided into 2 groups'],
  ['conv2d', [f(1, 4, 8, 8), f(3, 2, 3, 3)], { ...conv, groups: 2 }, '3 output channels cannot be divided into 2 groups'],
  ['conv2d', [f(1, 3, 8, 4), f(4, 3, 3, 3)], { ...conv, dilation: [1, 3] }, 'the kernel does not fit: it spans 7 and the width with padding is 4'],
  ['conv2d', [f(1, 3, 8, 8), f(4, 3, 3, 3)], { ...conv, stride: [0, 1] }, 'the stride must be a positive integer, but is 0'],
  ['conv2dInputGrad', [f(1, 4, 6, 6), f(4, 3, 3, 3)], { ...conv, inputSize: [9, 8] }, 'the gradient is 6 x 6, but this convolution gives 7 x 6'],
  ['conv2dInputGrad', [f(1, 5, 6, 6), f(4, 3, 3, 3)], { ...conv, inputSize: [8, 8] }, 'the gradient has 5 channels, but the weight gives 4'],
  ['conv2dWeightGrad', [f(2, 3, 8, 8), f(1, 4, 6, 6)], { ...conv, kernel: [3, 3] }, 'the batch sizes differ: 2 and 1'],
  ['deformConv2d', [f(2, 4, 7, 7), f(2, 9, 5, 5), f(2, 9, 5, 5), f(6, 4, 3, 3)], conv, 'the offset must be [2, 18, 5, 5] (batch, 2 per tap of the kernel, output height and width), but is [2, 9, 5, 5]'],
  ['deformConv2d', [f(2, 4, 7, 7), f(2, 18, 5, 5), f(2, 9, 5, 5), f(6, 4, 3, 3)], { ...conv, groups: 2 }, 'a deformable convolution has 1 group, but 2 are asked for'],
  ['resize2d', [f(1, 3, 8, 8)], { mode: 'bilinear', size: [0, 4] }, 'the size must be a positive integer, but is 0'],
]

describe('inferShape', () => {
  it.each(fitting.map(c => [...title(c), c] as const))('%s : %s', (_, expected, c) => expect(shown(c)).toBe(expected))
  it.each(failing.map(c => [...title(c), c] as const))('%s: %s', (_, expected, c) => expect(shown(c)).toBe(expected))
  it('has a test for every operator', () => expect(new Set(fitting.map(([op]) => op))).toEqual(new Set(opNames)))
})

describe('broadcastShapes', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 })
  const attempt = (...s: number[][]): number[] | undefined => {
    try { return broadcastShapes(...s) } catch (e) { if (e instanceof RuleFailure) return undefined; throw e }
  }
  it('is commutative, idempotent and associative', () => fc.assert(fc.property(shapes, shapes, shapes, (a, b, c) => {
    expect(attempt(a, b)).toEqual(attempt(b, a))
    expect(attempt(a, a)).toEqual(a)
    const ab = attempt(a, b)
    expect(attempt(a, b, c)).toEqual(ab && attempt(ab, c))
  }), { seed: 3 }))
})
