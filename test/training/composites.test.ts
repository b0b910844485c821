// Gradients of small networks against finite differences.
import { describe, expect, it } from 'vitest'
import type { ConvAttrs } from '../../src/compiler/ir/ops.ts'
import type { ValueId } from '../../src/compiler/ir/program.ts'
import { sizeOf, type Shape } from '../../src/compiler/ir/types.ts'
import type { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { gradientError } from '../rules/finite-differences.ts'
import { uniform, type Operand } from '../rules/gradient-cases.ts'

// A seed whose draws put no ReLU within a difference step of its kink.
const draw = uniform(3)
const f = (shape: Shape, low = -1, high = 1): Operand => ({ shape, data: Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * draw()) })
const int32 = (...values: number[]): Operand => ({ shape: [values.length], data: Int32Array.from(values) })
const same: ConvAttrs = { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 }

/** Batch statistics as a training BatchNorm takes them. */
function batchNorm(g: Emitter, x: ValueId, weight: ValueId, bias: ValueId): ValueId {
  const mean = g.mean(x, [0, 2, 3])
  const variance = g.mean(g.square(g.sub(x, g.perChannel(mean, 4))), [0, 2, 3])
  return g.op('batchNorm', [x, weight, bias, mean, variance], { eps: 1e-5 })
}

describe('gradients of', () => {
  it('a perceptron with layer norm and cross entropy, one label ignored', () => {
    const operands = [f([4, 5]), f([6, 5]), f([6]), f([6], 0.5, 1.5), f([6]), f([3, 6]), int32(0, 2, 9, 1)]
    expect(gradientError(operands, (g, [x, w1, b1, gamma, beta, w2, labels]) => {
      const hidden = g.op('gelu', [g.op('layerNorm', [g.add(g.matmul(x, w1, { transB: true }), b1), gamma, beta], { eps: 1e-5 })], {})
      const logp = g.op('logSoftmax', [g.matmul(hidden, w2, { transB: true })], { axis: 1 })
      const oneHot = g.equal(g.reshape(labels, [4, 1]), g.op('iota', [], { shape: [4, 3], axis: 1 }))
      return g.div(g.neg(g.sum(g.mul(logp, oneHot), [0, 1])), g.sum(oneHot, [0, 1]))
    })).toBeLessThan(1e-8)
  })

  it('convolution, batch norm with batch statistics, relu and resize', () => {
    expect(gradientError([f([2, 2, 4, 5]), f([3, 2, 3, 3]), f([3], 0.5, 1.5), f([3]), f([1, 3, 1, 1])], (g, [x, w, gamma, beta, out]) => {
      const y = g.op('relu', [batchNorm(g, g.op('conv2d', [x, w], same), gamma, beta)], {})
      return g.op('conv2d', [g.op('resize2d', [y], { mode: 'bilinear', size: [7, 6] }), out], { ...same, pad: [0, 0, 0, 0] })
    })).toBeLessThan(1e-7)
  })

  it('a deformable convolution whose offsets and mask come from its input, far outside too', () => {
    expect(gradientError([f([1, 2, 4, 4]), f([27, 2, 3, 3], -2, 2), f([2, 2, 3, 3])], (g, [x, wOffset, w]) => {
      const both = g.op('conv2d', [x, wOffset], same)
      const offset = g.slice(both, [0, 0, 0, 0], [1, 18, 4, 4])
      const mask = g.sigmoid(g.slice(both, [0, 18, 0, 0], [1, 27, 4, 4]))
      return g.op('groupNorm', [g.op('deformConv2d', [x, offset, mask, w], same), g.fill(1, [2]), g.fill(0, [2])], { groups: 1, eps: 1e-5 })
    })).toBeLessThan(1e-7)
  })

  it('shifted window attention with a relative position bias', () => {
    const [rows, dim, heads] = [8, 4, 2]
    const index: Operand = { shape: [4, 4], data: Int32Array.from({ length: 16 }, (_, i) => Math.floor(i / 4) - (i % 4) + 3) }
    expect(gradientError([f([rows, dim]), f([3 * dim, dim]), f([7, heads]), index], (g, [x, w, table, positions]) => {
      const rolled = g.op('roll', [x], { shifts: [-2], axes: [0] })
      const qkv = g.transpose(g.reshape(g.matmul(rolled, w, { transB: true }), [2, 4, 3, heads, dim / heads]), [2, 0, 3, 1, 4])
      const part = (i: number): ValueId => g.reshape(g.slice(qkv, [i, 0, 0, 0, 0], [i + 1, 2, heads, 4, dim / heads]), [2, heads, 4, dim / heads])
      const scores = g.add(g.matmul(part(0), part(1), { transB: true, alpha: 0.7 }), g.transpose(g.gather(table, positions, 0), [2, 0, 1]))
      const mixed = g.matmul(g.op('softmax', [scores], { axis: 3 }), part(2))
      return g.op('roll', [g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [rows, dim])], { shifts: [2], axes: [0] })
    })).toBeLessThan(1e-8)
  })

  it('a value used many times, also twice by one node', () => {
    expect(gradientError([f([2, 2]), f([2])], (g, [a, b]) => g.mul(g.add(g.matmul(a, a), g.mul(a, a)), g.add(b, g.sub(a, b))))).toBeLessThan(1e-8)
  })
})
