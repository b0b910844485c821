// Gradients of the operators that move elements: each is the adjoint permutation, selection or padding.
import type { ValueId } from '../ir/program.ts'
import type { Shape } from '../ir/types.ts'
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

/** The elements start, start + step, ... (`count` of them) along one axis; step > 0. */
export interface Range { readonly start: number; readonly step: number; readonly count: number }

/** A tensor of shape `whole` with the elements of x at the places of `ranges`, zeros elsewhere. The gap after the last element of a strided axis may reach over the end and is cut off. */
export function placeIn(g: Emitter, x: ValueId, ranges: readonly Range[], whole: Shape): ValueId {
  if (ranges.some(r => r.count === 0)) return g.fill(0, whole)
  const dilated = dilate(g, x, ranges.map(r => r.count > 1 ? r.step - 1 : 0))
  const kept = g.shape(dilated).map((n, i) => Math.min(n, whole[i] - ranges[i].start))
  return g.pad(g.slice(dilated, kept.map(() => 0), kept), ranges.map(r => r.start), kept.map((n, i) => whole[i] - ranges[i].start - n))
}

/** Axes with a negative step are turned round first. */
export function sliceGradient({ g, attrs: { start, step }, x: [x], dy }: Place<'slice'>): Cotangents {
  return [() => {
    const taken = g.shape(dy)
    const reversed = step.map((s, i) => s < 0 && taken[i] > 0)
    const forward = g.slice(dy, taken.map((n, i) => reversed[i] ? n - 1 : 0), taken.map((n, i) => reversed[i] ? -1 : n), reversed.map(r => r ? -1 : 1))
    const ranges = taken.map((count, i) => ({ start: reversed[i] ? start[i] + (count - 1) * step[i] : start[i], step: Math.abs(step[i]), count }))
    return placeIn(g, forward, ranges, g.shape(x))
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
