// The cotangent of a value that is read in slices: the cotangents of the slices put together instead of padded and added one by one.
import type { Node, ValueId } from '../ir/program.ts'
import type { Shape } from '../ir/types.ts'
import type { Emitter } from '../rules/gradient-language.ts'
import { placeIn, type Range } from '../rules/gradient-movement.ts'

/** The cotangent of a part of a value. */
export interface Piece { readonly ranges: readonly Range[]; readonly value: ValueId }

/** What a slice with positive steps takes, with the cotangent `dy` of its result; undefined for reversing and empty slices. */
export function pieceOf(node: Node, dy: ValueId): Piece | undefined {
  if (node.op !== 'slice' || node.attrs.step.some(s => s < 0) || node.type.shape.includes(0)) return undefined
  const { start, step } = node.attrs
  return { value: dy, ranges: node.type.shape.map((count, i) => ({ start: start[i], step: count === 1 ? 1 : step[i], count })) }
}

const end = (r: Range): number => r.start + r.count

/** Neighbours along the axis: concatenated, with zeros where a gap is between them. Undefined where they overlap. */
function concatenated(g: Emitter, pieces: readonly Piece[], axis: number): Piece | undefined {
  const ordered = pieces.toSorted((a, b) => a.ranges[axis].start - b.ranges[axis].start)
  const parts: ValueId[] = []
  let at = ordered[0].ranges[axis].start
  for (const { ranges, value } of ordered) {
    const gap = ranges[axis].start - at
    if (ranges[axis].step !== 1 || gap < 0) return undefined
    if (gap > 0) parts.push(g.fill(0, g.shape(value).with(axis, gap)))
    parts.push(value)
    at = end(ranges[axis])
  }
  const start = ordered[0].ranges[axis].start
  return { value: g.op('concat', parts, { axis }), ranges: ordered[0].ranges.with(axis, { start, step: 1, count: at - start }) }
}

/** Every s-th element from 0, from 1, ... from s-1: stacked behind the axis and merged with it. Undefined where one is missing. */
function interleaved(g: Emitter, pieces: readonly Piece[], axis: number): Piece | undefined {
  const ordered = pieces.toSorted((a, b) => a.ranges[axis].start - b.ranges[axis].start)
  const { start, step, count } = ordered[0].ranges[axis]
  if (step !== ordered.length || !ordered.every(({ ranges }, i) => ranges[axis].step === step && ranges[axis].count === count && ranges[axis].start === start + i)) return undefined
  const shape = g.shape(ordered[0].value)
  const stacked = g.op('concat', ordered.map(p => g.reshape(p.value, shape.toSpliced(axis + 1, 0, 1))), { axis: axis + 1 })
  return { value: g.reshape(stacked, shape.with(axis, count * step)), ranges: ordered[0].ranges.with(axis, { start, step: 1, count: count * step }) }
}

/** Join the pieces that differ along `axis` alone. */
function joinAlong(g: Emitter, pieces: readonly Piece[], axis: number): Piece[] {
  const groups = new Map<string, Piece[]>()
  for (const p of pieces) {
    const key = JSON.stringify(p.ranges.toSpliced(axis, 1))
    groups.set(key, [...groups.get(key) ?? [], p])
  }
  return [...groups.values()].flatMap(group => {
    if (group.length === 1) return group
    const joined = concatenated(g, group, axis) ?? interleaved(g, group, axis)
    return joined === undefined ? group : [joined]
  })
}

/**
 * Values of shape `shape` whose sum is the cotangent that the pieces make up: pieces are joined along each axis as far as they fit together (the parts of a split, the four quarters
 * of a patch merging), and what remains partial is surrounded with zeros.
 */
export function joinPieces(g: Emitter, pieces: readonly Piece[], shape: Shape): ValueId[] {
  const joined = shape.reduceRight((rest: readonly Piece[], _, axis) => joinAlong(g, rest, axis), pieces)
  return joined.map(p => placeIn(g, p.value, p.ranges, shape))
}
