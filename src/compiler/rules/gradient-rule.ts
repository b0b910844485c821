// What a gradient rule is.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { ValueId } from '../ir/program.ts'
import type { Emitter } from './gradient-language.ts'

/** What a rule sees: the node's attributes, operands `x`, result `y`, the cotangent `dy` of the result, and `g` to emit with. */
export interface Place<K extends OpName> { readonly g: Emitter; readonly attrs: OpAttrs[K]; readonly x: readonly ValueId[]; readonly y: ValueId; readonly dy: ValueId }

/**
 * Per operand how its cotangent is computed, called only where it is asked for; undefined for an operand without one (indices, conditions).
 * Where the operator broadcasts, the cotangent is the one of the broadcast operand (the walk sums), and it may be smaller than that if it broadcasts to it (the walk counts):
 * a rule neither sums over broadcast axes nor repeats elements.
 */
export type Cotangents = readonly ((() => ValueId) | undefined)[]

/** 'none': the derivative is zero or does not exist, nothing flows through. 'expand': the node has to be replaced by its expansion first (expansion.ts). */
export type GradientRule<K extends OpName> = 'none' | 'expand' | ((place: Place<K>) => Cotangents)
