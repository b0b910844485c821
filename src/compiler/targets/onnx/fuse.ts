// What is lowered together: a bias into the product before it.
import type { ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type Shape } from '../../ir/types.ts'
import type { Pattern, Uses } from '../fusion.ts'
import { convolution } from './convolution.ts'
import type { Emitter, Operand } from './emitter.ts'
import { product } from './product.ts'

/** The value as a vector of `size` elements along the axis that lies `fromEnd` axes before the last one; looks through a reshape. */
const asVector = (uses: Uses, value: ValueId, size: number, fromEnd: number): ValueId | undefined => {
  const { shape } = uses.type(value)
  const fits = (s: Shape): boolean => sizeOf(s) === size && s[s.length - 1 - fromEnd] === size
  if (shape.length === 1) return fromEnd === 0 && fits(shape) ? value : undefined
  const node = uses.producer(value)
  return node?.op === 'reshape' && fits(shape) && uses.type(node.inputs[0]).shape.length === 1 ? node.inputs[0] : undefined
}

/** The name of the result of a fusion, emitted from its operands. */
export type FusedLowering = (e: Emitter, operands: readonly Operand[]) => string

/** add(matmul(a, b), bias): Gemm takes the bias. */
const matmulBias: Pattern<FusedLowering> = (node, made, other, uses) => {
  if (made.op !== 'matmul' || !sameShape(made.type.shape, node.type.shape)) return undefined
  const bias = asVector(uses, other, node.type.shape.at(-1)!, 0)
  if (bias === undefined) return undefined
  return {
    absorbed: [made.id], operands: [...made.inputs, bias],
    lower: (e, [a, b, c]) => product(e, { name: a.name, shape: a.type.shape }, { name: b.name, shape: b.type.shape }, { ...made.attrs, bias: c.name }),
  }
}

/** add(conv2d(x, weight), bias as [O, 1, 1]): Conv takes the bias. */
const convBias: Pattern<FusedLowering> = (node, made, other, uses) => {
  if (made.op !== 'conv2d' || !sameShape(made.type.shape, node.type.shape)) return undefined
  const bias = asVector(uses, other, made.type.shape[1], 2)
  return bias === undefined ? undefined : { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [x, weight, b]) => convolution(e, x, weight, made.attrs, b.name) }
}

export const patterns: readonly Pattern<FusedLowering>[] = [matmulBias, convBias]
