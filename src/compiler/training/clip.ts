// Clipping of all gradients by their common norm.
import type { Builder } from '../ir/builder.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import { Emitter } from '../rules/gradient-language.ts'

/** The part of one gradient: its value, or how the squared norm follows without it (a vector of one element). */
export interface NormPart { readonly origin: Origin; readonly value: ValueId; readonly squares?: (g: Emitter) => ValueId }

/** The sum of the squares of all elements of `value`, as a vector of one element. */
export function sumOfSquares(g: Emitter, value: ValueId): ValueId {
  const flat = g.reshape(value, [sizeOf(g.shape(value))])
  return g.sum(g.square(flat), [0], true)
}

/** The square root of the sum of the squares of all elements of all gradients: a scalar. Each gradient's part has the origin given with it. */
export function globalNorm(builder: Builder, gradients: readonly NormPart[], origin: Origin): ValueId {
  const g = new Emitter(builder, { ...origin, phase: 'update' })
  if (gradients.length === 0) return g.fill(0)
  const squares = gradients.map(({ value, squares: known, origin: own }) => {
    const part = new Emitter(builder, { ...own, phase: 'update' })
    return known === undefined ? sumOfSquares(part, value) : known(part)
  })
  return g.sqrt(g.sum(squares.length === 1 ? squares[0] : g.op('concat', squares, { axis: 0 }), [0]))
}

/** The factor min(1, maxNorm / (norm + 1e-6)) that every gradient is multiplied with, as torch.nn.utils.clip_grad_norm_. */
export function clipFactor(builder: Builder, norm: ValueId, maxNorm: number, origin: Origin): ValueId {
  const g = new Emitter(builder, { ...origin, phase: 'update' })
  return g.min(g.div(g.fill(maxNorm), g.shift(norm, 1e-6)), g.fill(1))
}
