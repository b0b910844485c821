// The shape rule of every operator: the type of its result, or why its operands do not fit.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { TensorType } from '../ir/types.ts'
import { RuleFailure } from './shape-checks.ts'
import { elementwiseShapes, type ShapeRule } from './shape-elementwise.ts'
import { movementShapes } from './shape-movement.ts'
import { productShapes } from './shape-products.ts'

const shapeRules = { ...elementwiseShapes, ...movementShapes, ...productShapes } satisfies { [K in OpName]: ShapeRule<K> }

/** Every operator, in the order of the families. */
export const opNames = Object.keys(shapeRules) as readonly OpName[]

/** The type of `op` applied to operands of these types. `error` states the rule that failed and the numbers, in the user's terms. */
export const inferShape = <K extends OpName>(op: K, inputs: readonly TensorType[], attrs: OpAttrs[K]): TensorType | { error: string } => {
  try {
    return (shapeRules[op] as unknown as ShapeRule<K>)(inputs, attrs)
  } catch (e) {
    if (e instanceof RuleFailure) return { error: e.message }
    throw e
  }
}
