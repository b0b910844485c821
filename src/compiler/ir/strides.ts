// Row-major strides, and strided walks over a tensor: what movement and broadcasting come down to.
import { sizeOf, type Shape } from './types.ts'

export const rowMajorStrides = (shape: Shape): number[] => {
  const strides = shape.slice()
  let n = 1
  for (let i = shape.length - 1; i >= 0; i--) { strides[i] = n; n *= shape[i] }
  return strides
}

/** Strides that read a tensor of `shape` as if broadcast to `to`: 0 on the axes along which it repeats. */
export const broadcastStrides = (shape: Shape, to: Shape): number[] => {
  const own = rowMajorStrides(shape)
  return to.map((_, axis) => {
    const i = axis - to.length + shape.length
    return i < 0 || shape[i] === 1 ? 0 : own[i]
  })
}

/**
 * Calls `row` once per run of the last axis of `shape`, in row-major order: with the linear index of its first element and, for each list of strides, the offset
 * of that element. A scalar is one run of one element.
 */
export const forEachRow = (shape: Shape, strides: readonly (readonly number[])[], row: (index: number, offsets: readonly number[]) => void): void => {
  const total = sizeOf(shape)
  if (total === 0) return
  const outer = shape.length - 1
  const length = outer < 0 ? 1 : shape[outer]
  const place = Array.from({ length: Math.max(0, outer) }, () => 0)
  const offsets = strides.map(() => 0)
  for (let index = 0; index < total; index += length) {
    row(index, offsets)
    for (let axis = outer - 1; axis >= 0; axis--) {
      const wrap = ++place[axis] === shape[axis]
      for (let k = 0; k < strides.length; k++) offsets[k] += wrap ? -strides[k][axis] * (shape[axis] - 1) : strides[k][axis]
      if (!wrap) break
      place[axis] = 0
    }
  }
}

/** [elements before, along, after] an axis: a tensor seen as outer x size x inner. */
export const aroundAxis = (shape: Shape, axis: number): [outer: number, size: number, inner: number] => [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]
