// What is lowered together: a bias into the product before it.
import { sameShape, sizeOf, type Shape } from '../../ir/types.ts'
import type { Pattern } from '../fusion.ts'
import { convolution } from './convolution.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import { matmul } from './product.ts'

/** Whether the value has one element per index of the axis that lies `fromEnd` axes before the last one, and `size` of them. */
const isVector = (shape: Shape, size: number, fromEnd: number): boolean => sizeOf(shape) === size && shape[shape.length - 1 - fromEnd] === size

/** The result of a fusion, emitted from its operands. */
export type FusedLowering = (e: Emitter, operands: readonly Value[]) => Form | readonly Form[]

const vector = (e: Emitter, value: Value): Tensor => e.view(e.ordered(value, value.type.shape.map((_, i) => i)), [sizeOf(value.type.shape)])

/** add(matmul(a, b), bias) and add(conv2d(x, weight), bias): one kernel where the backend has it. */
const biased: Pattern<FusedLowering> = (node, made, bias, uses) => {
  if (!sameShape(made.type.shape, node.type.shape)) return undefined
  const { shape } = uses.type(bias)
  if (made.op === 'matmul' && isVector(shape, node.type.shape.at(-1)!, 0)) {
    return { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [a, b, c]) => matmul(e, [a, b], made.attrs, node.type, vector(e, c)) }
  }
  if (made.op === 'conv2d' && made.attrs.groups === 1 && isVector(shape, node.type.shape[1], 2)) {
    return { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [x, weight, b]) => convolution(e, [x, weight], made.attrs, node.type, vector(e, b)) }
  }
  return undefined
}

export const patterns: readonly Pattern<FusedLowering>[] = [biased]
