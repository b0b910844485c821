// What the rules of linear order share.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import type { ValueId } from '../../ir/program.ts'

/** Multiply-adds in the time of moving one element to or from memory: matrix products run at some 90 G multiply-adds per second on two cores, memory at 3 G elements. */
export const ELEMENT_COST = 30

/** Multiply-adds that must be saved to pay for the nodes that a new order adds, here and in the gradient: each takes the engine some microseconds and 17 KiB. */
export const LEAST_GAIN = 2 ** 21

/** Appends a helper node before the node at hand, with its origin. */
export type Emit = <K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]) => ValueId
