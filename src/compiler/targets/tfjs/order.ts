// Orders in which the axes of a value are stored, and what they mean for shapes: pure arithmetic.
//
// A value of the program with axes 0..r-1 is held by a tensor whose axes are these in some order: `order[j]` is the axis of the value that stands at place j. Transposing a value is then a new order of
// the same tensor, and a tensor is only moved in memory where an operator needs another order.
import { sizeOf, type Shape } from '../../ir/types.ts'

export type Order = readonly number[]

export const plain = (rank: number): Order => Array.from({ length: rank }, (_, i) => i)
/** [B, C, H, W] stored as [B, H, W, C]. */
export const CHANNELS_LAST: Order = [0, 2, 3, 1]

export const storedShape = (shape: Shape, order: Order): Shape => order.map(axis => shape[axis])

/** Whether elements lie in the same places: orders that differ by axes of size 1 only. */
export const sameOrder = (shape: Shape, a: Order, b: Order): boolean => {
  const left = a.filter(axis => shape[axis] !== 1), right = b.filter(axis => shape[axis] !== 1)
  return left.every((axis, i) => axis === right[i])
}

/** The order of a value behind `transpose` with `perm`. */
export const transposedOrder = (order: Order, perm: readonly number[]): Order => order.map(axis => perm.indexOf(axis))

/** An order of `rank` axes from one of fewer: leading axes of size 1 are put before. */
export const extendedOrder = (order: Order, rank: number): Order => {
  const added = rank - order.length
  return [...plain(added), ...order.map(axis => axis + added)]
}

/** The part of an order of more axes that concerns the last `rank`. */
export const restrictedOrder = (order: Order, rank: number): Order => {
  const added = order.length - rank
  return order.filter(axis => axis >= added).map(axis => axis - added)
}

/** Axes of `from` and of `to` in the smallest groups of equal size, left to right; axes of size 1 belong to the group before or after. */
function matchedGroups(from: Shape, to: Shape): { from: number[]; to: number[] }[] {
  const groups: { from: number[]; to: number[] }[] = []
  let i = 0, j = 0
  while (i < from.length || j < to.length) {
    const group = { from: [] as number[], to: [] as number[] }
    let left = 1, right = 1
    do {
      if (left <= right && i < from.length || j >= to.length) { left *= from[i]; group.from.push(i++) }
      else { right *= to[j]; group.to.push(j++) }
    } while (left !== right && (i < from.length || j < to.length))
    // What is left of size 1 takes no part.
    while (i < from.length && from[i] === 1) group.from.push(i++)
    while (j < to.length && to[j] === 1) group.to.push(j++)
    groups.push(group)
  }
  return groups
}

/** The order of the value reshaped `from` -> `to` when the tensor stays as it is; undefined where elements would have to move. */
export function reshapedOrder(order: Order, from: Shape, to: Shape): Order | undefined {
  if (sameOrder(from, order, plain(from.length))) return plain(to.length)
  if (sizeOf(from) === 0) return undefined
  const groups = matchedGroups(from, to)
  const place = new Map(order.filter(axis => from[axis] !== 1).map((axis, i) => [axis, i] as const))
  const placed = groups.map(group => {
    const axes = group.from.filter(axis => from[axis] !== 1)
    const first = place.get(axes[0]) ?? -1
    return { to: group.to, at: first, kept: axes.every((axis, i) => place.get(axis) === first + i) }
  })
  if (!placed.every(p => p.kept)) return undefined
  return placed.toSorted((a, b) => a.at - b.at).flatMap(p => p.to)
}

/** Neighbouring axes that stay neighbours under `perm`, as one; axes of size 1 left out. */
export function collapsedTranspose(shape: Shape, perm: readonly number[]): { shape: Shape; perm: readonly number[] } {
  const runs: number[][] = []
  for (const axis of perm) {
    if (shape[axis] === 1) continue
    const last = runs.at(-1)
    let next = (last?.at(-1) ?? -2) + 1
    while (next < axis && shape[next] === 1) next++
    if (last !== undefined && next === axis) last.push(axis)
    else runs.push([axis])
  }
  const sorted = runs.toSorted((a, b) => a[0] - b[0])
  return { shape: sorted.map(run => sizeOf(run.map(axis => shape[axis]))), perm: runs.map(run => sorted.indexOf(run)) }
}

/** Neighbouring axes of one kind as one; axes of size 1 are left out. */
export function mergedAxes<K>(shape: Shape, kindOf: (axis: number) => K): { size: number; kind: K; axes: number[] }[] {
  const merged: { size: number; kind: K; axes: number[] }[] = []
  shape.forEach((size, axis) => {
    if (size === 1) return
    const kind = kindOf(axis), last = merged.at(-1)
    if (last !== undefined && last.kind === kind) { last.size *= size; last.axes.push(axis) }
    else merged.push({ size, kind, axes: [axis] })
  })
  return merged
}

/** The shape that stands for `small` (1 or the full size per axis of `full`) beside a tensor of shape `actual` with the elements of `full`; undefined where its axes do not allow it. */
export function shapeBeside(actual: Shape, full: Shape, small: Shape): Shape | undefined {
  const result: number[] = []
  let axis = 0
  for (const size of actual) {
    let whole = 1, own = 1
    while (whole < size && axis < full.length) { whole *= full[axis]; own *= small[axis]; axis++ }
    if (whole !== size || own !== whole && own !== 1) return undefined
    result.push(own)
  }
  while (axis < full.length && full[axis] === 1) axis++
  return axis === full.length ? result : undefined
}

/** The axes of a tensor of shape `actual`, with the elements of `full`, that hold the axes of `full` for which `isWanted`; undefined where one holds wanted and unwanted ones. */
export function axesOf(actual: Shape, full: Shape, isWanted: (axis: number) => boolean): number[] | undefined {
  const marks = shapeBeside(actual, full, full.map((d, axis) => isWanted(axis) ? 1 : d))
  return marks?.flatMap((d, axis) => d === 1 && actual[axis] !== 1 ? [axis] : [])
}

/** NumPy's rule. */
export const broadcastShapes = (shapes: readonly Shape[]): Shape => {
  const rank = Math.max(0, ...shapes.map(s => s.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map(s => s[axis - rank + s.length] ?? 1)
    return sizes.find(d => d !== 1) ?? 1
  })
}

export const withoutLeadingOnes = (shape: Shape): Shape => {
  const first = shape.findIndex(d => d !== 1)
  return first === -1 ? [] : shape.slice(first)
}

/** Neighbouring axes that may be taken as one when a part is cut out: an axis takes in the whole axes behind it. */
export function collapsedParts(shape: Shape, isWhole: (axis: number) => boolean): number[][] {
  const parts: number[][] = []
  shape.forEach((_, axis) => {
    if (isWhole(axis) && parts.length > 0) parts.at(-1)!.push(axis)
    else parts.push([axis])
  })
  return parts
}
