// Gradients of the operators that move elements: each is the adjoint permutation, selection or padding.
import type { ValueId } from '../ir/program.ts'
import { sizeOf, type Shape } from '../ir/types.ts'
import type { Emitter } from './gradient-language.ts'
import type { Cotangents, Place } from './gradient-rule.ts'

/** x with `gaps[i]` zeros after each element along axis i. */
function dilate(g: Emitter, x: ValueId, gaps: readonly number[]): ValueId {
  if (gaps.every(n => n === 0)) return x
  const shape = g.shape(x)
  const split = shape.flatMap((size, i) => gaps[i] === 0 ? [size] : [size, 1])
  const after = shape.flatMap((_, i) => gaps[i] === 0 ? [0] : [0, gaps[i]])
  return g.reshape(g.pad(g.reshape(x, split), split.map(() => 0), after), shape.map((size, i) => size * (gaps[i] + 1)))
}

/**
 * Puts the elements of dy back to the places they were sliced from, zeros elsewhere: axes with a negative step are reversed, the gaps of longer steps are filled with zeros,
 * and the rest is padding. The gap after the last element may reach over the end and is cut off.
 */
export function sliceGradient({ g, attrs: { start, step }, x: [x], dy }: Place<'slice'>): Cotangents {
  return [() => {
    const whole = g.shape(x)
    const taken = g.shape(dy)
    if (sizeOf(taken) === 0) return g.fill(0, whole)
    const zeros = whole.map(() => 0)
    const reversed = step.map(s => s < 0)
    const forward = reversed.some(Boolean)
      ? g.slice(dy, taken.map((n, i) => reversed[i] ? n - 1 : 0), taken.map((n, i) => reversed[i] ? -1 : n), reversed.map(r => r ? -1 : 1))
      : dy
    const first = start.map((s, i) => reversed[i] ? s + (taken[i] - 1) * step[i] : s)
    const dilated = dilate(g, forward, step.map((s, i) => taken[i] > 1 ? Math.abs(s) - 1 : 0))
    const kept = g.shape(dilated).map((n, i) => Math.min(n, whole[i] - first[i]))
    return g.pad(g.slice(dilated, zeros, kept), first, whole.map((n, i) => n - first[i] - kept[i]))
  }]
}

export function padGradient({ g, attrs: { before }, x: [x], dy }: Place<'pad'>): Cotangents {
  return [() => g.slice(dy, before, g.shape(x).map((n, i) => before[i] + n))]
}

export function concatGradient({ g, attrs: { axis }, x, dy }: Place<'concat'>): Cotangents {
  let offset = 0
  return x.map(operand => {
    const first = offset
    const shape: Shape = g.shape(operand)
    offset += shape[axis]
    return () => g.slice(dy, shape.map((_, i) => i === axis ? first : 0), shape.map((n, i) => i === axis ? first + n : n))
  })
}

export function transposeGradient({ g, attrs: { perm }, dy }: Place<'transpose'>): Cotangents {
  return [() => g.transpose(dy, perm.map((_, axis) => perm.indexOf(axis)))]
}
