// Multiply-adds of products counted by hand.
import { describe, expect, it } from 'vitest'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { TensorType } from '../../src/compiler/ir/types.ts'
import { multiplyAdds } from '../../src/compiler/rules/flops.ts'
import { inferShape } from '../../src/compiler/rules/shape.ts'

const f = (...shape: number[]): TensorType => ({ dtype: 'float32', shape })
const count = <K extends OpName>(op: K, inputs: readonly TensorType[], attrs: OpAttrs[K]): number => {
  const type = inferShape(op, inputs, attrs)
  if ('error' in type) throw new Error(type.error)
  return multiplyAdds(op, inputs, type, attrs)
}
const conv = { stride: [2, 2], pad: [3, 3, 3, 3], dilation: [1, 1], groups: 1 } as const

describe('multiplyAdds', () => {
  it('counts the first convolution of ResNet', () => expect(count('conv2d', [f(1, 3, 224, 224), f(64, 3, 7, 7)], conv)).toBe(112 * 112 * 64 * 3 * 49))
  it('counts both gradients of a convolution as the convolution', () => {
    const forward = count('conv2d', [f(2, 4, 9, 9), f(6, 2, 3, 3)], { ...conv, groups: 2 })
    expect(forward).toBe(2 * 6 * 7 * 7 * 2 * 9)
    expect(count('conv2dInputGrad', [f(2, 6, 7, 7), f(6, 2, 3, 3)], { ...conv, groups: 2, inputSize: [9, 9] })).toBe(forward)
    expect(count('conv2dWeightGrad', [f(2, 4, 9, 9), f(2, 6, 7, 7)], { ...conv, groups: 2, kernel: [3, 3] })).toBe(forward)
  })
  it('counts a depthwise convolution per channel', () => {
    expect(count('conv2d', [f(1, 8, 5, 5), f(8, 1, 3, 3)], { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 8 })).toBe(8 * 25 * 9)
  })
  it('counts batched products, transposed or not', () => {
    expect(count('matmul', [f(2, 1, 3, 4), f(5, 4, 6)], { transA: false, transB: false, alpha: 1 })).toBe(10 * 3 * 4 * 6)
    expect(count('matmul', [f(4, 3), f(6, 4)], { transA: true, transB: true, alpha: 1 })).toBe(3 * 4 * 6)
  })
  it('counts the product of a deformable convolution', () => {
    expect(count('deformConv2d', [f(1, 4, 5, 5), f(1, 18, 3, 3), f(1, 9, 3, 3), f(2, 4, 3, 3)], { ...conv, stride: [1, 1], pad: [0, 0, 0, 0] })).toBe(2 * 9 * 4 * 9)
  })
  it('counts nothing else', () => {
    expect(count('resize2d', [f(1, 3, 8, 8)], { mode: 'bilinear', size: [16, 16] })).toBe(0)
    expect(count('layerNorm', [f(2, 3), f(3), f(3)], { eps: 0 })).toBe(0)
  })
})
