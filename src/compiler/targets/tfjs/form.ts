// What a lowering gets and gives.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import type { TensorType } from '../../ir/types.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import { plain } from './order.ts'

/** Emits the calls of one node and returns what holds its result: one tensor or more, each in its order. */
export type Lowering<K extends OpName> = (e: Emitter, inputs: readonly Value[], attrs: OpAttrs[K], type: TensorType) => Form | readonly Form[]

/** A result whose axes stand in the tensor as they are. */
export const inPlainOrder = (tensor: Tensor, { shape }: { readonly shape: readonly number[] }): Form => ({ tensor, order: plain(shape.length) })
