// Interpretation of the operators that move elements.
import { allocate, EvaluationError, floats, type Elements, type Kernel, type Value } from './interpreter-value.ts'
import type { OpName } from './ops.ts'
import { aroundAxis, broadcastStrides, forEachRow, rowMajorStrides } from './strides.ts'
import { sizeOf, type TensorType } from './types.ts'

/** Element (i, j, ...) of the result is x[offset + i * strides[0] + j * strides[1] + ...]. */
const stridedRead = (x: Value, type: TensorType, strides: readonly number[], offset: number): Elements => {
  const y = allocate(type.dtype, sizeOf(type.shape))
  const length = type.shape.at(-1) ?? 1
  const step = strides.at(-1) ?? 0
  const source = x.data
  forEachRow(type.shape, [strides], (index, [start]) => {
    for (let i = 0, at = offset + start; i < length; i++, at += step) y[index + i] = source[at]
  })
  return y
}

/** y[(i + shift) mod n] = x[i] along one axis. */
const rollAxis = (x: Elements, dtype: Value['dtype'], shape: readonly number[], axis: number, shift: number): Elements => {
  const y = allocate(dtype, x.length)
  const [outer, size, inner] = aroundAxis(shape, axis)
  const head = size === 0 ? 0 : (shift % size + size) % size * inner
  const block = size * inner
  for (let o = 0; o < outer; o++) {
    y.set(x.subarray(o * block, (o + 1) * block - head), o * block + head)
    y.set(x.subarray((o + 1) * block - head, (o + 1) * block), o * block)
  }
  return y
}

const checkedIndices = (indices: Value, size: number, op: string): Elements => {
  for (const i of indices.data) if (i < 0 || i >= size) throw new EvaluationError(`${op}: index ${i} lies outside an axis of ${size}`)
  return indices.data
}

export const movementKernels = {
  reshape: ([x]) => x.data,
  transpose: ([x], { perm }, type) => {
    const strides = rowMajorStrides(x.shape)
    return stridedRead(x, type, perm.map(axis => strides[axis]), 0)
  },
  broadcast: ([x], _, type) => stridedRead(x, type, broadcastStrides(x.shape, type.shape), 0),
  slice: ([x], { start, step }, type) => {
    const strides = rowMajorStrides(x.shape)
    return stridedRead(x, type, strides.map((s, i) => s * step[i]), strides.reduce((n, s, i) => n + s * start[i], 0))
  },
  pad: ([x], { before, value }, type) => {
    const y = allocate(type.dtype, sizeOf(type.shape)).fill(value)
    const strides = rowMajorStrides(type.shape)
    const offset = strides.reduce((n, s, i) => n + s * before[i], 0)
    const length = x.shape.at(-1) ?? 1
    forEachRow(x.shape, [strides], (index, [start]) => y.set(x.data.subarray(index, index + length), offset + start))
    return y
  },
  concat: (inputs, { axis }, type) => {
    const y = allocate(type.dtype, sizeOf(type.shape))
    const [outer, size, inner] = aroundAxis(type.shape, axis)
    let start = 0
    for (const x of inputs) {
      const block = x.shape[axis] * inner
      for (let o = 0; o < outer; o++) y.set(x.data.subarray(o * block, (o + 1) * block), o * size * inner + start)
      start += block
    }
    return y
  },
  roll: ([x], { shifts, axes }) => axes.reduce((data, axis, i) => rollAxis(data, x.dtype, x.shape, axis, shifts[i]), x.data),
  after: ([x]) => x.data,
  gather: ([x, indices], { axis }, type) => {
    const [outer, size, inner] = aroundAxis(x.shape, axis)
    const y = allocate(type.dtype, sizeOf(type.shape))
    const index = checkedIndices(indices, size, 'gather')
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < index.length; i++) {
        const from = (o * size + index[i]) * inner
        y.set(x.data.subarray(from, from + inner), (o * index.length + i) * inner)
      }
    }
    return y
  },
  scatterAdd: ([indices, updates], { axis, size }, type) => {
    const [outer, , inner] = aroundAxis(type.shape, axis)
    const y = new Float64Array(sizeOf(type.shape))
    const u = floats(updates)
    const index = checkedIndices(indices, size, 'scatterAdd')
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < index.length; i++) {
        const to = (o * size + index[i]) * inner
        const from = (o * index.length + i) * inner
        for (let k = 0; k < inner; k++) y[to + k] += u[from + k]
      }
    }
    return y
  },
} satisfies { [K in OpName]?: Kernel<K> }
