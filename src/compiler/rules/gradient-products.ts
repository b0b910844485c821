// Gradients of matrix products and convolutions; the three convolution operators are each other's adjoints.
import { sizeOf, type Shape } from '../ir/types.ts'
import type { ConvAttrs } from '../ir/ops.ts'
import type { Cotangents, Place } from './gradient-rule.ts'

const lead = (shape: Shape): number => sizeOf(shape.slice(0, -2))

/**
 * y = alpha op(a) op(b). A right operand without a batch (the weight of a linear layer) takes all rows of the batch in one product, instead of one product per item and a sum.
 */
export function matmulGradient({ g, attrs: { transA, transB, alpha }, x: [a, b], dy }: Place<'matmul'>): Cotangents {
  const rows = (v: number): number => { const shape = g.shape(v); return g.reshape(v, [sizeOf(shape) / shape[shape.length - 1], shape[shape.length - 1]]) }
  const merged = !transA && lead(g.shape(b)) === 1 && lead(g.shape(a)) > 1
  return [
    () => transA ? g.matmul(b, dy, { transA: transB, transB: true, alpha }) : g.matmul(dy, b, { transB: !transB, alpha }),
    () => {
      const [left, cotangent] = merged ? [rows(a), rows(dy)] : [a, dy]
      const db = transB ? g.matmul(cotangent, left, { transA: true, transB: transA, alpha }) : g.matmul(left, cotangent, { transA: !transA, alpha })
      return merged ? g.reshape(db, g.shape(b)) : db
    },
  ]
}

const geometry = ({ stride, pad, dilation, groups }: ConvAttrs): ConvAttrs => ({ stride, pad, dilation, groups })
const spatial = (shape: Shape): readonly [number, number] => [shape[2], shape[3]]

export function conv2dGradient({ g, attrs, x: [x, weight], dy }: Place<'conv2d'>): Cotangents {
  return [
    () => g.op('conv2dInputGrad', [dy, weight], { ...attrs, inputSize: spatial(g.shape(x)) }),
    () => g.op('conv2dWeightGrad', [x, dy], { ...attrs, kernel: spatial(g.shape(weight)) }),
  ]
}

/** Operands (dy', weight): linear in both, the adjoint in dy' is the convolution itself. */
export function conv2dInputGradGradient({ g, attrs, x: [places, weight], dy }: Place<'conv2dInputGrad'>): Cotangents {
  return [
    () => g.op('conv2d', [dy, weight], geometry(attrs)),
    () => g.op('conv2dWeightGrad', [dy, places], { ...geometry(attrs), kernel: spatial(g.shape(weight)) }),
  ]
}

/** Operands (x, dy'): `dy`, of the weight's shape, acts as the weight. */
export function conv2dWeightGradGradient({ g, attrs, x: [x, places], dy }: Place<'conv2dWeightGrad'>): Cotangents {
  return [
    () => g.op('conv2dInputGrad', [places, dy], { ...geometry(attrs), inputSize: spatial(g.shape(x)) }),
    () => g.op('conv2d', [x, dy], geometry(attrs)),
  ]
}
