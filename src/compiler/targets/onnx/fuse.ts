// What is lowered together: a bias into the product before it, squares into their sum.
import type { Program, ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type Shape } from '../../ir/types.ts'
import type { Fusion, Pattern, Uses } from '../fusion.ts'
import { convolution } from './convolution.ts'
import type { Emitter, Operand } from './emitter.ts'
import { product } from './product.ts'
import { sum } from './reduce.ts'

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

/** reduceSum(mul(x, x)) of a vector, as in norms of gradients: no buffer for the squares. */
export function squareSums(program: Program, uses: Uses): Map<ValueId, Fusion<FusedLowering>> {
  const found = new Map<ValueId, Fusion<FusedLowering>>()
  for (const node of program.nodes) {
    const made = node.op === 'reduceSum' ? uses.producer(node.inputs[0]) : undefined
    if (node.op !== 'reduceSum' || made?.op !== 'mul' || made.inputs[0] !== made.inputs[1] || made.type.shape.length !== 1 || !uses.onlyUse(made.id)) continue
    found.set(node.id, { absorbed: [made.id], operands: [made.inputs[0]], lower: (e, [x]) => sum(e, x.name, x.type.shape, node.attrs, 'ReduceSumSquare') })
  }
  return found
}
